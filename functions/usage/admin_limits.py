"""Limits of one user, decided by admins."""

from __future__ import annotations

from functions.accounts.admin_users import audit_entry
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.operation import Access, Reply
from models.accounts.profile import UserProfile
from models.core.errors import SelfModeration, Stale
from models.usage.limits import LimitOverride, NewLimits

routes = Routes()


@routes.operation(
    "PUT",
    "admin/users/{user_id}/limits",
    summary="Decide one user's limits, for a time or until changed",
    access=Access.ADMIN,
    body=NewLimits,
    returns=UserProfile,
    problems=("self-moderation",),
    if_match=True,
    etag=True,
)
async def set_user_limits(call: Call[NewLimits]) -> Reply:
    """Replaces what was decided before; the ETag is the account's. What is absent stays as for everybody."""
    user_id, wanted = call.uuid("user_id"), call.body
    if user_id == call.person.user_id:
        raise SelfModeration
    expected = call.expected_revisions
    entry = await audit_entry(call, user_id, "set_limits", wanted.reason)
    profile = await call.store.accounts.read(user_id)
    if profile.revision not in expected:
        raise Stale
    override = LimitOverride(
        limits=wanted.limits, until=wanted.until, reason=wanted.reason, by=entry.actor_id, at=call.now
    )
    changed = await call.store.accounts.set_limits(profile, override, entry)
    return Reply(changed, etag=revision_etag(changed))
