"""The timer that ends sessions in which nothing happens any more."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import azure.functions as func

from cosmos.chat.sessions import Sessions
from functions.core.redaction import private
from functions.core.services import services

PAGE = 100
PAGES_PER_RUN = 50
"""What is left over is for the next run: a run must be done before it."""

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

log = logging.getLogger(__name__)


@blueprint.timer_trigger(schedule="0 */5 * * * *", arg_name="timer")
@private
async def end_idle_sessions(timer: func.TimerRequest) -> None:
    shared = services()
    sessions = (await shared.store())[Sessions]
    before = datetime.now(UTC) - timedelta(minutes=shared.settings.session_idle_minutes)
    total, continuation = 0, None
    for _ in range(PAGES_PER_RUN):
        ended, continuation = await sessions.end_idle(before, PAGE, continuation)
        total += ended
        if continuation is None:
            break
    log.info("%d idle sessions ended", total)
