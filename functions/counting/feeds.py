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
from cosmos.core.mirroring import Mirroring
from cosmos.counting.folding import Folding
from cosmos.jobs.heartbeats import Heartbeats
from cosmos.library.reviews import Reviews
from cosmos.organizations.members import Members
from cosmos.people.guardians import Guardians
from cosmos.usage.alerts import Alerts
from functions.core.parts import Parts
from functions.core.redaction import private
from functions.core.services import services
from functions.core.telemetry import parent_of
from models.jobs.heartbeat import FEEDS

OF = {feed.name: feed for feed in FEEDS}

Fold = Callable[[Parts, list[Item], datetime], Awaitable[None]]
"""What is done with a batch of changes, and when it came."""


def _feed(fold: Fold) -> Any:
    """The blueprint of a function for the changes of a container: the feed that has the name of what folds them."""
    blueprint, feed = func.Blueprint(), OF[fold.__name__]  # type: ignore[no-untyped-call]

    @private
    async def run(documents: func.DocumentList, context: func.Context) -> None:
        shared, items = services(), [dict(document) for document in documents]
        with shared.telemetry.feed(feed.name, parent_of(context), items):
            store, now = await shared.store(), datetime.now(UTC)
            await fold(store, items, now)
            await store[Folding].declared(feed.container, items, now)
            await store[Mirroring].bring(feed.container, items)
            await store[Heartbeats].passed(feed, items)

    named = blueprint.function_name(feed.name)(run)
    retried = blueprint.retry(
        strategy="exponential_backoff",
        max_retry_count="-1",
        minimum_interval="00:00:01",
        maximum_interval="00:00:30",
    )(named)
    blueprint.cosmos_db_trigger(
        arg_name="documents",
        connection="COSMOS",
        database_name="%COSMOS_DATABASE%",
        container_name=feed.container,
        lease_container_name="leases",
        lease_container_prefix=f"{feed.container}-",
        create_lease_container_if_not_exists=False,
        start_from_beginning=True,  # type: ignore[arg-type]  # annotated as a time, but it is a flag
        feed_poll_delay=1000,
        max_items_per_invocation=200,
    )(retried)
    return blueprint


async def fold_users(store: Parts, items: list[Item], now: datetime) -> None:
    await store[Members].bring(items, now)
    await store[Guardians].bring(items, now)


async def fold_interactions(store: Parts, items: list[Item], now: datetime) -> None:
    await store[Folding].interactions(items, now)


async def fold_sessions(store: Parts, items: list[Item], now: datetime) -> None:
    await store[Folding].sessions(items, now)
    await store[Alerts].sessions(items, now)


async def fold_bookmarks(store: Parts, items: list[Item], now: datetime) -> None:
    await store[Folding].bookmarks(items, now)


async def fold_analytics(store: Parts, items: list[Item], now: datetime) -> None:
    await store[Folding].analytics(items, now)
    await store[Reviews].set_helpful(items)


of_users = _feed(fold_users)
of_interactions = _feed(fold_interactions)
of_sessions = _feed(fold_sessions)
of_bookmarks = _feed(fold_bookmarks)
of_analytics = _feed(fold_analytics)
