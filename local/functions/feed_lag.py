"""How far a change feed trigger is behind, estimated as the .NET SDK's `ChangeFeedEstimator` does it.

For each range: the LSN in the session token of a read from the checkpoint, minus that of the first change found there,
plus one. It is 0 exactly when nothing is left; above that it counts changes that later ones have replaced, too.
"""

import asyncio
import time
from dataclasses import dataclass

from local.functions.change_feed import read_page
from local.functions.feed_session import FeedSession
from local.functions.leases import Lease


@dataclass(frozen=True, slots=True)
class Lag:
    """Changes that are not checkpointed yet, and the age of the oldest of them in seconds."""

    changes: int
    seconds: float


async def session_lag(session: FeedSession) -> Lag:
    """The lag over all ranges, those of other hosts too. Raises `azure.core.exceptions.AzureError`."""
    lags = await asyncio.gather(*(_lease_lag(session, lease) for lease in session.known))
    return Lag(sum(lag.changes for lag in lags), max((lag.seconds for lag in lags), default=0.0))


async def _lease_lag(session: FeedSession, known: Lease) -> Lag:
    lease = session.held.get(known.id) or await session.store.read(known)
    page = await read_page(session.monitored, lease.feed_range, lease.continuation, session.start, 1)
    if not page.documents:
        return Lag(0, 0.0)
    first = page.documents[0]
    return Lag(max(1, page.last_lsn - int(first["_lsn"]) + 1), max(0.0, time.time() - float(first["_ts"])))
