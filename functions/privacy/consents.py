"""What withdrawing a consent does to turns and sessions that are kept: an orchestration, page by page.

Processes may go by a profile that they have seen for a while, and what they record meanwhile is not yet without the
consent. So all pages are gone through again once that time is over. It begins anew after some pages, with its progress
as its input, so that its history stays short.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
from pydantic import Field

from cosmos.accounts.users import STATUS_SECONDS
from cosmos.privacy.consents import AFFECTED, Applied, Consents, Withdrawable
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.orchestrations import (
    ATTEMPTS,
    State,
    client_of,
    found,
    input_of,
    kept_running,
    lasting,
    progress_of,
    state_and_times_of,
)
from functions.core.redaction import private
from functions.core.services import services
from models.core.document import Message
from models.core.errors import NotFound
from models.core.values import Count, Timestamp, Uuid

ORCHESTRATOR = "withdraw_consent"
PAGES_PER_RUN = 20
NOT_YET = timedelta(seconds=5)
"""When to look again if the consent is still given: the orchestration is started before the profile is written, so that
nothing is lost between the two."""

SETTLED = timedelta(seconds=STATUS_SECONDS + 10)
"""When no process goes by the profile from before any more."""

UNCOUNT, EMPTY = "uncount", "empty"
"""The steps after those of `AFFECTED`, for analytics alone and in the last round: what has been counted is taken out of
the rollups, and then whatever is left in them."""

COUNTERS = {
    "user_interactions": "turns",
    "user_sessions": "sessions",
    "user_bookmarks": "bookmarks",
    UNCOUNT: "uncounted",
}

blueprint = df.Blueprint()
routes = Routes()


class WithdrawalProgress(Message):
    """What a withdrawal has changed so far."""

    turns: Count = Field(default=0, description="Turns that it has changed")
    sessions: Count = Field(default=0, description="Sessions that it has changed")
    bookmarks: Count = Field(default=0, description="Bookmarks that it has taken out of the rollups; they stay as such")
    uncounted: Count = Field(default=0, description="What still counted then, such as turns that have expired since")


class Withdrawal(WithdrawalProgress):
    """A consent that is being withdrawn from what is kept already, and how far that is."""

    withdrawal_id: Uuid
    consent: Withdrawable
    status: State
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "DELETE",
    "me/analytics",
    summary="Withdraw consent to analytics, and take all past turns and sessions out of them",
    returns=Withdrawal,
    status=202,
    durable=True,
)
async def delete_my_analytics(call: Call[None]) -> Reply:
    """Sets `analytics_consent` to false, and then goes through what is stored. Sent again, it is the same withdrawal.

    In the end the rollups of all periods are empty, and so is the dashboard. Turns, sessions and bookmarks stay, and so
    do limits and what is kept against abuse. If the consent is given again before the end, it goes no further.
    """
    profile = await call.store.users.ensure(call.person, call.now, call.issued, call.roles)
    profile = await call.store.consents.withdraw(profile, "analytics_consent", call.now)
    changes = [change for change in profile.consent_history if change.consent == "analytics_consent"]
    since = changes[-1].changed_at.isoformat() if changes else ""
    withdrawal_id = await start(call, profile.id, "analytics_consent", since)
    status = await found(client_of(call), ORCHESTRATOR, withdrawal_id)
    return Reply(_described(withdrawal_id, status), headers={"Location": location(withdrawal_id)})


@routes.operation(
    "GET",
    "me/withdrawals/{withdrawal_id}",
    summary="How far the withdrawal of a consent is",
    returns=Withdrawal,
    durable=True,
)
async def get_withdrawal(call: Call[None]) -> Withdrawal:
    withdrawal_id = call.uuid("withdrawal_id")
    status = await found(client_of(call), ORCHESTRATOR, withdrawal_id)
    if input_of(status)["request"]["user_id"] != call.person.user_id:
        raise NotFound("withdrawal")
    return _described(withdrawal_id, status)


async def start(call: Call[Any], user_id: str, consent: Withdrawable, occasion: str) -> str:
    """Starts bringing what is stored in line with a consent that is, or is about to be, withdrawn.

    Args:
        occasion: Tells one withdrawal of this user from another. The same again is the same, gone through once more.

    Returns:
        The id of the withdrawal.
    """
    withdrawal_id = str(uuid.uuid5(uuid.UUID(user_id), f"withdrawal:{consent}:{occasion}"))
    request = {"user_id": user_id, "consent": consent}
    wanted = {"request": request, "progress": WithdrawalProgress().model_dump(), "position": None, "round": 0}
    await kept_running(client_of(call), ORCHESTRATOR, withdrawal_id, wanted)
    return withdrawal_id


def location(withdrawal_id: str) -> str:
    return f"/api/me/withdrawals/{withdrawal_id}"


@blueprint.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
def withdraw_consent(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    state: dict[str, Any] = dict(context.get_input())
    is_done = yield from lasting(context, state, _pages)
    return state["progress"] if is_done else None


def _pages(context: df.DurableOrchestrationContext, state: dict[str, Any]) -> Generator[Any, Any, bool]:
    request = state["request"]
    if state["position"] is None and (yield context.call_activity_with_retry("withdrawal_begins", ATTEMPTS, request)):
        state |= {"position": [AFFECTED[request["consent"]][0], None], "round": max(1, state["round"])}
    for _ in range(PAGES_PER_RUN):
        if state["position"] is None:
            break
        step, continuation = state["position"]
        wanted = request | {"step": step, "continuation": continuation}
        page = yield context.call_activity_with_retry("withdrawal_page", ATTEMPTS, wanted)
        state["progress"] = _counted(state["progress"], step, page["changed"])
        context.set_custom_status(state["progress"])
        state["position"] = _next(request["consent"], state["round"], step, page["continuation"])
    if state["position"] is None:
        waits = (NOT_YET, SETTLED)[state["round"] :]
        if not waits:
            return True
        yield context.create_timer(context.current_utc_datetime + waits[0])
        state["round"] += 1
    return False


def _counted(progress: dict[str, int], step: str, changed: int) -> dict[str, int]:
    return progress | {COUNTERS[step]: progress[COUNTERS[step]] + changed} if step in COUNTERS else progress


def _next(consent: Withdrawable, round_: int, step: str, continuation: str | None) -> list[Any] | None:
    """Where to go on after a page; None if this round is at its end."""
    if continuation is not None:
        return [step, continuation]
    last_round = round_ == 2
    steps = [*AFFECTED[consent], *((UNCOUNT, EMPTY) if consent == "analytics_consent" and last_round else ())]
    following = steps[steps.index(step) + 1 :]
    return [following[0], None] if following else None


@blueprint.activity_trigger(input_name="request")  # type: ignore[untyped-decorator]
@private
async def withdrawal_begins(request: Any) -> bool:
    return await (await _consents()).is_withdrawn(request["user_id"], request["consent"])


@blueprint.activity_trigger(input_name="wanted")  # type: ignore[untyped-decorator]
@private
async def withdrawal_page(wanted: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
    consents, user_id, now = await _consents(), wanted["user_id"], datetime.now(UTC)
    step, continuation = wanted["step"], wanted["continuation"]
    page = Applied(0, None)
    if await consents.is_withdrawn(user_id, wanted["consent"]):  # else it was given again, or the user is gone
        if step not in (UNCOUNT, EMPTY):
            page = await consents.apply(user_id, wanted["consent"], step, continuation, now)
        elif step == UNCOUNT:
            page = await consents.uncount(user_id, continuation, now)
        else:
            await consents.empty(user_id, now)
    return {"changed": page.changed, "continuation": page.continuation}


async def _consents() -> Consents:
    return (await services().store()).consents


def _described(withdrawal_id: str, status: df.DurableOrchestrationStatus) -> Withdrawal:
    told = {"withdrawal_id": withdrawal_id, "consent": input_of(status)["request"]["consent"]}
    return Withdrawal.model_validate_json(json.dumps(progress_of(status) | told | state_and_times_of(status)))
