"""Who else reads a container's change feed, besides the fold and the mirrors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cosmos.core.database import Item

Reader = Callable[[Sequence[Item], datetime], Awaitable[None]]
"""What is done with a batch of changes, and when it came. May be repeated."""


@dataclass(frozen=True)
class Readers:
    """Those that are registered, by container."""

    by_container: Mapping[str, tuple[Reader, ...]]

    async def read(self, container: str, items: Sequence[Item], now: datetime) -> None:
        """Gives each its batch, in order."""
        for reader in self.by_container.get(container, ()):
            await reader(items, now)
