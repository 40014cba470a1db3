"""What the host knows of a trigger that is not HTTP."""

from typing import Any, Protocol

from local.functions.indexing import IndexedFunction


class Listener(Protocol):
    """Waits for one function's trigger, and invokes the function. Its methods are called on the event loop."""

    @property
    def function(self) -> IndexedFunction: ...

    def start(self) -> None:
        """Begins to listen, in tasks of its own."""

    def begin_stop(self) -> None:
        """Starts no further invocation; the one that is running may go on."""

    async def finish_stop(self, *, abandon: bool) -> None:
        """Stores where it is, gives back what it holds, ends its tasks.

        `abandon` says that the function still runs: what it was given is not done, and its task is cancelled.
        """

    def argument(self, input_text: str | None) -> Any:
        """What the trigger passes when the function is run by hand with this input; `ValueError` for a bad one."""
