"""A client of Cosmos DB that is killed, or held up, between any two of its requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport


class Killed(BaseException):
    """The process is gone: whatever would have come next does not. No handler of errors may catch it."""


class UnreliableTransport(AioHttpTransport):  # type: ignore[misc]  # exported lazily: Any to mypy
    """The SDK's transport, which counts its requests for documents.

    Args:
        dies_at: The request at which the process dies, from 1; None: at none.
        answered: Whether it dies after that request has been carried out, its answer unseen, or before it is sent.
        held_at: The request before which something else happens.
        meanwhile: That, e.g. all that another process does.
    """

    def __init__(
        self,
        dies_at: int | None = None,
        answered: bool = False,
        held_at: int | None = None,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()
        self._dies_at = dies_at
        self._answered = answered
        self._held_at = held_at
        self._meanwhile = meanwhile
        self.sent = 0

    @property
    def is_dead(self) -> bool:
        return self._dies_at is not None and self.sent >= self._dies_at

    async def send(self, request: Any, **options: Any) -> Any:
        if "/docs" not in request.url:
            return await super().send(request, **options)
        if self.is_dead:
            raise Killed
        self.sent += 1
        if self.sent == self._held_at and self._meanwhile is not None:
            await self._meanwhile()
        if not self.is_dead:
            return await super().send(request, **options)
        if self._answered:
            await super().send(request, **options)
        raise Killed
