"""The change feeds: what is written to one container is counted in the next.

The lease advances when a function gives up, and its batch is lost. So these retry for ever on faults of the database,
and put aside as dead letters the single changes that can't be counted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from cosmos.core.mirroring import Mirroring
from cosmos.counting.folding import Folding
from cosmos.counting.readers import Readers
from cosmos.jobs.heartbeats import Heartbeats
from functions.core.redaction import private
from functions.core.services import services
from functions.core.telemetry import parent_of
from models.jobs.heartbeat import FEEDS, Feed


def _feed(feed: Feed) -> Any:
    """The blueprint of the function that takes a feed."""
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

    @private
    async def run(documents: func.DocumentList, context: func.Context) -> None:
        shared, items = services(), [dict(document) for document in documents]
        with shared.telemetry.feed(feed.name, parent_of(context), items):
            store, now = await shared.store(), datetime.now(UTC)
            await store[Folding].fold(feed.container, items, now)
            await store[Readers].read(feed.container, items, now)
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


OF = {feed.container: _feed(feed) for feed in FEEDS}
"""By container."""
