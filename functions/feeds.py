"""The change feeds: what is written to one container is counted in the next.

The lease advances when a function gives up, and its batch is lost. So these retry for ever on faults of the database,
and put aside as dead letters the single changes that can't be counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from cosmos.database import Item
from functions.services import services

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

Handler = Callable[[func.DocumentList], Awaitable[None]]


def _on_change(container: str) -> Callable[[Handler], Any]:
    """Registers a function for the changes of a container."""

    def register(handler: Handler) -> Any:
        retried = blueprint.retry(
            strategy="exponential_backoff",
            max_retry_count="-1",
            minimum_interval="00:00:01",
            maximum_interval="00:00:30",
        )(handler)
        return blueprint.cosmos_db_trigger(
            arg_name="documents",
            connection="COSMOS",
            database_name="%COSMOS_DATABASE%",
            container_name=container,
            lease_container_name="leases",
            lease_container_prefix=f"{container}-",
            create_lease_container_if_not_exists=False,
            start_from_beginning=True,  # type: ignore[arg-type]  # annotated as a time, but it is a flag
            feed_poll_delay=1000,
            max_items_per_invocation=200,
        )(retried)

    return register


def _items(documents: func.DocumentList) -> list[Item]:
    return [dict(document) for document in documents]


@_on_change("user_interactions")
async def fold_interactions(documents: func.DocumentList) -> None:
    store = await services().store()
    await store.folding.interactions(_items(documents), datetime.now(UTC))


@_on_change("user_sessions")
async def fold_sessions(documents: func.DocumentList) -> None:
    store = await services().store()
    items, now = _items(documents), datetime.now(UTC)
    await store.folding.sessions(items, now)
    await store.alerts.sessions(items, now)


@_on_change("user_analytics")
async def fold_analytics(documents: func.DocumentList) -> None:
    store = await services().store()
    await store.folding.analytics(_items(documents), datetime.now(UTC))
