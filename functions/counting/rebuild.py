"""Rebuilding analytics: an orchestration that compares rollups with their sources, and repairs them when asked.

One user, or all of them in waves, and then the platform. It begins anew after each page of users, with its progress as
its input, so that its history stays short; what it has found is in its custom status meanwhile, and in its output at
the end.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
from pydantic import Field

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
from models.analytics.pseudonyms import is_platform
from models.core.document import Message
from models.core.values import Count, Timestamp, Uuid
from models.counting.drift import BucketDrift, UserDrift, total_of

ORCHESTRATOR = "rebuild_analytics"
DRIFT_SHOWN = 200

blueprint = df.Blueprint()
routes = Routes()


class RebuildRequest(Message):
    """Whose analytics to rebuild."""

    user_id: Uuid | None = Field(default=None, description="One user, or null for everybody")
    repair: bool = Field(default=False, description="Whether to repair what is wrong, or only to report it")


class Progress(Message):
    """What a rebuild has found so far."""

    users_total: Count = 0
    users_done: Count = Field(default=0, description="Those that failed included")
    users_failed: Count = Field(default=0, description="Users and partitions that could not be compared")
    buckets: Count = Field(default=0, description="Rollups compared")
    drifted_buckets: Count = Field(default=0, description="Rollups that did not hold what the ledger applied to them")
    repaired_buckets: Count = 0
    unsettled_buckets: Count = Field(default=0, description="Rollups that were written all the while; not compared")
    expired_buckets: Count = Field(default=0, description="Rollups that count what is not kept any more; not compared")
    sources: Count = Field(
        default=0, description="Turns, sessions, bookmarks, and rollups that others count, compared with the ledger"
    )
    sources_behind: Count = Field(default=0, description="Those not folded yet, or lost; folded if to be repaired")
    sources_wrong: Count = Field(default=0, description="Those that count otherwise; folded anew if to be repaired")
    sources_unreadable: Count = Field(default=0, description="Documents that are not valid, and count nothing")
    drift: list[BucketDrift] = Field(default=[], description=f"The first {DRIFT_SHOWN} rollups that were wrong")


class Rebuild(Progress):
    """A rebuild, and how far it is."""

    rebuild_id: Uuid
    user_id: Uuid | None
    repair: bool
    status: State
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "POST",
    "admin/rebuilds",
    summary="Compare the rollups of a user or of everybody with their sources, and repair them if asked",
    access=Access.ADMIN,
    body=RebuildRequest,
    returns=Rebuild,
    status=202,
    problems=("not-found",),
    durable=True,
)
async def start_rebuild(call: Call[RebuildRequest]) -> Reply:
    rebuild = _described(await of_request(call, ORCHESTRATOR))
    return Reply(rebuild, headers={"Location": f"/api/admin/rebuilds/{rebuild.rebuild_id}"})


@routes.operation(
    "GET",
    "admin/rebuilds/{rebuild_id}",
    summary="How far a rebuild is, and what it has found",
    access=Access.ADMIN,
    returns=Rebuild,
    durable=True,
)
async def get_rebuild(call: Call[None]) -> Rebuild:
    return _described(await found(client_of(call), ORCHESTRATOR, call.uuid("rebuild_id")))


@blueprint.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
def rebuild_analytics(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    state: dict[str, Any] = context.get_input()
    request, progress = state["request"], state["progress"]
    page: dict[str, Any]
    if progress is None:
        total = 1 if request["user_id"] else (yield context.call_activity_with_retry("rebuild_count", ATTEMPTS))
        progress = Progress(users_total=total).model_dump(mode="json")
    if request["user_id"]:
        page = {"partitions": [request["user_id"]], "continuation": None}
    else:
        page = yield context.call_activity_with_retry("rebuild_page", ATTEMPTS, state["continuation"])
    for start in range(0, len(page["partitions"]), AT_ONCE):
        wave = page["partitions"][start : start + AT_ONCE]
        work = [{"partition": partition, "repair": request["repair"]} for partition in wave]
        reports = yield from results(context, "rebuild_partition", work)
        progress = advanced(progress, wave, [report for report in reports if report])
        context.set_custom_status(progress)
    if page["continuation"] is None:
        return progress
    context.continue_as_new({"request": request, "progress": progress, "continuation": page["continuation"]})
    return None


@blueprint.activity_trigger(input_name="nothing")  # type: ignore[untyped-decorator]
@private
async def rebuild_count(nothing: Any) -> int:
    return await (await services().store()).rebuilding.count_users()


@blueprint.activity_trigger(input_name="continuation")  # type: ignore[untyped-decorator]
@private
async def rebuild_page(continuation: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
    rebuilding = (await services().store()).rebuilding
    partitions, following = await rebuilding.partitions(USERS_PER_PAGE, continuation)
    return {"partitions": partitions, "continuation": following}


@blueprint.activity_trigger(input_name="one")  # type: ignore[untyped-decorator]
@private
async def rebuild_partition(one: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
    rebuilding = (await services().store()).rebuilding
    report = await rebuilding.rebuild(one["partition"], one["repair"], datetime.now(UTC))
    return report.model_dump(mode="json")


def advanced(progress: dict[str, Any], wave: Sequence[str], reports: list[dict[str, Any]]) -> dict[str, Any]:
    """The progress with some users and partitions counted in it; of those that failed there is no report."""
    found = [UserDrift.model_validate(report) for report in reports]
    drift = [*progress["drift"], *(drift for report in reports for drift in report["drifted"])]
    users = sum(not is_platform(partition) for partition in wave)
    total = {"users_done": users, "users_failed": len(wave) - len(found)} | total_of(found)
    counts = {name: progress.get(name, 0) + value for name, value in total.items()}
    return progress | counts | {"drift": drift[:DRIFT_SHOWN]}


def _described(status: df.DurableOrchestrationStatus) -> Rebuild:
    view = {"rebuild_id": status.instance_id} | state_and_times_of(status)
    return Rebuild.model_validate_json(json.dumps(progress_of(status) | input_of(status)["request"] | view))
