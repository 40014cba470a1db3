"""The change feeds: what is written to one container is counted in the next.

The lease advances when a function gives up, and its batch is lost. So these retry for ever on faults of the database,
and put aside as dead letters the single changes that can't be counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from cosmos.core.database import Item
from functions.core.redaction import private
from functions.core.services import Store, services
from functions.core.telemetry import parent_of

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

Fold = Callable[[Store, list[Item], datetime], Awaitable[None]]
"""What is done with a batch of changes, and when it came."""


def _on_change(container: str) -> Callable[[Fold], Any]:
    """Registers a function for the changes of a container, by the name of what folds them."""

    def register(fold: Fold) -> Any:
        @private
        async def run(documents: func.DocumentList, context: func.Context) -> None:
            shared, items = services(), [dict(document) for document in documents]
            with shared.telemetry.feed(fold.__name__, parent_of(context), items):
                await fold(await shared.store(), items, datetime.now(UTC))

        named = blueprint.function_name(fold.__name__)(run)
        retried = blueprint.retry(
            strategy="exponential_backoff",
            max_retry_count="-1",
            minimum_interval="00:00:01",
            maximum_interval="00:00:30",
        )(named)
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


@_on_change("user_interactions")
async def fold_interactions(store: Store, items: list[Item], now: datetime) -> None:
    await store.folding.interactions(items, now)


@_on_change("user_sessions")
async def fold_sessions(store: Store, items: list[Item], now: datetime) -> None:
    await store.folding.sessions(items, now)
    await store.alerts.sessions(items, now)


@_on_change("user_bookmarks")
async def fold_bookmarks(store: Store, items: list[Item], now: datetime) -> None:
    await store.folding.bookmarks(items, now)
    await store.mirroring.bring("user_bookmarks", items)


@_on_change("user_analytics")
async def fold_analytics(store: Store, items: list[Item], now: datetime) -> None:
    await store.folding.analytics(items, now)
    await store.reviews.set_helpful(items)
