"""Repricing: an orchestration that prices the turns of a time anew, when prices were wrong or missing.

A turn whose cost changes is a new revision, and the fold applies the difference to every rollup that counts it. What
was taken from budgets stays: they are about what was known at the time.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, Self

import azure.durable_functions as df
from pydantic import Field, model_validator

from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Access, Reply
from functions.core.orchestrations import (
    AT_ONCE,
    ATTEMPTS,
    USERS_PER_PAGE,
    State,
    client_of,
    found,
    input_of,
    of_request,
    progress_of,
    results,
    state_and_times_of,
)
from functions.core.redaction import private
from functions.core.services import services
from models.analytics.rollup import NANO
from models.core.document import Message
from models.core.values import Count, Timestamp, Uuid
from models.usage.repricing import Repriced

ORCHESTRATOR = "reprice_turns"

blueprint = df.Blueprint()
routes = Routes()


class RepricingRequest(Message):
    """Which turns to price anew: those of a time, by the time that they were asked."""

    user_id: Uuid | None = Field(default=None, description="One user, or null for everybody")
    from_: Timestamp = Field(alias="from", description="First instant")
    to: Timestamp = Field(description="First instant after it")
    dry_run: bool = Field(default=False, description="Only tell what would change")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("from must be before to")
        return self


class RepricingProgress(Message):
    """What a repricing has found so far. Turns that a broken-off attempt has changed are not counted as changed."""

    users_done: Count = Field(default=0, description="Those that failed included")
    users_failed: Count = Field(default=0, description="Users whose turns could not be priced, whatever was tried")
    turns: Count = Field(default=0, description="Turns of that time")
    changed: Count = Field(default=0, description="Those whose cost is another now")
    newly_priced: Count = Field(default=0, description="Those that had no price before")
    newly_unpriced: Count = Field(default=0, description="Those that have no price any more")
    difference_usd: float = Field(default=0.0, description="USD by which the cost of all of them changes")


class RepricingView(RepricingProgress):
    """A repricing, and how far it is."""

    repricing_id: Uuid
    user_id: Uuid | None
    from_: Timestamp = Field(alias="from")
    to: Timestamp
    dry_run: bool
    status: State
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "POST",
    "admin/repricings",
    summary="Price the turns of a time anew, of a user or of everybody",
    access=Access.ADMIN,
    body=RepricingRequest,
    returns=RepricingView,
    status=202,
    problems=("not-found",),
    durable=True,
)
async def start_repricing(call: Call[RepricingRequest]) -> Reply:
    """By the prices of the app as it runs now: update the package or the overrides first."""
    repricing = _described(await of_request(call, ORCHESTRATOR))
    return Reply(repricing, headers={"Location": f"/api/admin/repricings/{repricing.repricing_id}"})


@routes.operation(
    "GET",
    "admin/repricings/{repricing_id}",
    summary="How far a repricing is, and what it has changed",
    access=Access.ADMIN,
    returns=RepricingView,
    durable=True,
)
async def get_repricing(call: Call[None]) -> RepricingView:
    return _described(await found(client_of(call), ORCHESTRATOR, call.uuid("repricing_id")))


@blueprint.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
def reprice_turns(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    state: dict[str, Any] = context.get_input()
    request, progress = state["request"], state["progress"] or {}
    page: dict[str, Any] = {"users": [request["user_id"]], "continuation": None}
    if not request["user_id"]:
        page = yield context.call_activity_with_retry("repricing_users", ATTEMPTS, state["continuation"])
    pending = [request | {"user_id": user, "continuation": None} for user in page["users"]]
    while pending:
        wave, pending = pending[:AT_ONCE], pending[AT_ONCE:]
        for one, result in zip(wave, (yield from results(context, "reprice_page", wave)), strict=True):
            if result and result["continuation"]:
                pending.append(one | {"continuation": result["continuation"]})
            progress = advanced(progress, result)
        context.set_custom_status(progress)
    if page["continuation"] is None:
        return progress
    context.continue_as_new({"request": request, "progress": progress, "continuation": page["continuation"]})
    return None


@blueprint.activity_trigger(input_name="continuation")  # type: ignore[untyped-decorator]
@private
async def repricing_users(continuation: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
    users, following = await (await services().store()).rebuilding.users(USERS_PER_PAGE, continuation)
    return {"users": users, "continuation": following}


@blueprint.activity_trigger(input_name="one")  # type: ignore[untyped-decorator]
@private
async def reprice_page(one: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
    """Some turns of one user."""
    start, end = (datetime.fromisoformat(one[name]) for name in ("from", "to"))
    repricing = (await services().store()).repricing
    wanted = one["user_id"], start, end, one["dry_run"], one["continuation"]
    changed, following = await repricing.page(*wanted, datetime.now(UTC))
    return {"repriced": changed.model_dump(), "continuation": following}


def advanced(progress: dict[str, Any], result: dict[str, Any] | None) -> dict[str, Any]:
    """The progress with a page of a user's turns counted in it, None of one that could not be priced."""
    total = {"users_done": 0, "users_failed": 0, **Repriced().model_dump()} | progress
    total["users_done"] += int(result is None or result["continuation"] is None)
    total["users_failed"] += int(result is None)
    for name, value in (result["repriced"] if result else {}).items():
        total[name] += value
    return total


def _described(status: df.DurableOrchestrationStatus) -> RepricingView:
    progress = progress_of(status)
    counts = {name: progress[name] for name in RepricingProgress.model_fields if name in progress}
    view = counts | {"difference_usd": progress.get("difference_nano_usd", 0) / NANO}
    view |= input_of(status)["request"] | state_and_times_of(status) | {"repricing_id": status.instance_id}
    return RepricingView.model_validate_json(json.dumps(view))
