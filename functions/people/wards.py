"""What guardians see of the children in their care, and what they can have done about it."""

from __future__ import annotations

from typing import Any

from cosmos.accounts.audit import Audit
from cosmos.people.guardians import Guardians
from functions.accounts.acting import audit_entry
from functions.accounts.signed_in import writer
from functions.analytics.insights import dashboard_of
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.resource_routes import shown
from functions.people.guardians import guardian
from functions.people.role_profiles import OF_PUPILS
from functions.privacy.erasure import account_of, erased
from functions.privacy.export import ExportQuery, exported_of
from models.accounts.audit import AuditedAct
from models.analytics.dashboard import Dashboard
from models.people.actions import END_WARD, ERASE_WARD, LOOK_AFTER, READ_WARD
from models.people.role_profiles import STUDENT_PROFILE
from models.privacy.erasure import Erasure
from models.privacy.export import ExportLine

routes = Routes()


@routes.operation(
    "GET",
    "wards/{child_id}/student-profile",
    summary="What a child in one's care says of what they learn",
    action=LOOK_AFTER,
    also=(READ_WARD,),
    returns=OF_PUPILS.shown,
    etag=True,
)
async def get_ward_student_profile(call: Call[None]) -> Reply:
    child_id = await _read(call, "read_profile")
    found = await call.store.repository(STUDENT_PROFILE).read(child_id, STUDENT_PROFILE.id_of(child_id, {}))
    return await OF_PUPILS.with_it(call, shown(STUDENT_PROFILE, found), child_id)


@routes.operation(
    "GET",
    "wards/{child_id}/dashboard",
    summary="The dashboard of a child in one's care",
    action=LOOK_AFTER,
    also=(READ_WARD,),
    returns=Dashboard,
    etag=True,
)
async def get_ward_dashboard(call: Call[None]) -> Reply:
    return await dashboard_of(call, await _read(call, "read_dashboard"))


@routes.operation(
    "GET",
    "wards/{child_id}/export",
    summary="Everything that is held about a child in one's care, as lines of JSON",
    action=LOOK_AFTER,
    also=(READ_WARD,),
    query=ExportQuery,
    returns=ExportLine,
    media_type="application/x-ndjson",
    problems=("bad-continuation",),
)
async def export_ward(call: Call[None]) -> Reply:
    """As `GET /api/me/export`."""
    return await exported_of(call, await _read(call, "export"))


@routes.operation(
    "DELETE",
    "wards/{child_id}",
    summary="Be a child's guardian no longer; what one consented to ends, too",
    action=LOOK_AFTER,
    also=(END_WARD,),
    returns=None,
    status=204,
)
async def end_ward(call: Call[None]) -> Reply:
    actor, child_id = await writer(call), call.uuid("child_id")
    await guardian(call, child_id, END_WARD)
    entry = audit_entry(call, child_id, "withdraw_consent", "As the child's guardian.", "guardian")
    await call.store[Guardians].end(child_id, actor.id, call.now, entry)
    return Reply(None)


@routes.operation(
    "POST",
    "wards/{child_id}/erasure",
    summary="Erase the account of a child in one's care and everything in it, for ever",
    action=LOOK_AFTER,
    also=(ERASE_WARD,),
    returns=Erasure,
    status=202,
    repeatable=True,
    own=True,
    durable=True,
)
async def erase_ward(call: Call[None]) -> Reply:
    """As if the child had asked for it: see `DELETE /api/me`."""
    await writer(call)
    child_id = call.uuid("child_id")
    await guardian(call, child_id, ERASE_WARD)
    account = await account_of(call, child_id)
    entry = audit_entry(call, child_id, "erase", "As the child's guardian.", "guardian")
    return await erased(call, account, "guardian", entry)


async def _read(call: Call[Any], act: AuditedAct) -> str:
    """The child whom the caller reads about: it is on record before anything is read."""
    await writer(call)
    child_id = call.uuid("child_id")
    await guardian(call, child_id, READ_WARD)
    await call.store[Audit].write(audit_entry(call, child_id, act, "As the child's guardian.", "guardian"))
    return child_id
