"""The timer that has accounts of children erased to which no guardian consents, or which nobody uses any more."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import azure.functions as func

from cosmos.people.children import Children
from functions.core.redaction import private
from functions.core.services import Services, services
from functions.privacy.erasure import promised
from models.people.retention import is_to_go

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

log = logging.getLogger(__name__)


@blueprint.timer_trigger(schedule="0 50 2 * * *", arg_name="timer")
@private
async def forget_children(timer: func.TimerRequest) -> None:
    await forget(services(), datetime.now(UTC))


async def forget(shared: Services, now: datetime) -> int:
    """Promises the erasures of all whose time is over; how many. The timer that looks after jobs has them driven.

    Raises:
        azure.core.exceptions.AzureError: Cosmos DB is out of order; the next run begins anew.
    """
    store, kept = await shared.store(), timedelta(days=shared.settings.child_retention_days)
    total, continuation = 0, None
    while True:
        page, continuation = await store[Children].page(continuation)
        for profile in page:
            if is_to_go(profile, now, kept):
                total += await promised(shared, store, profile.id, now, "retention")
        if continuation is None:
            break
    log.info("%d accounts of children are erased", total)
    return total
