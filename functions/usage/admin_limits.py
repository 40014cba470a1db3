"""Limits of one user, decided by admins."""

from __future__ import annotations

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.users import Users
from functions.accounts.acting import acted_on
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from models.accounts.limits import LimitOverride, NewLimits
from models.accounts.profile import UserProfile
from models.core.errors import Stale
from models.usage.actions import SET_LIMITS

routes = Routes()


@routes.operation(
    "PUT",
    "admin/users/{user_id}/limits",
    summary="Decide one user's limits, for a time or until changed",
    action=SET_LIMITS,
    body=NewLimits,
    returns=UserProfile,
    problems=("self-moderation", "outranked"),
    if_match=True,
    etag=True,
)
async def set_user_limits(call: Call[NewLimits]) -> Reply:
    """Replaces what was decided before; the ETag is the account's. What is absent stays as for everybody."""
    wanted, expected = call.body, call.expected_revisions
    profile, entry = await acted_on(call, call.uuid("user_id"), "set_limits", wanted.reason)
    if profile.revision not in expected:
        raise Stale
    override = LimitOverride(
        limits=wanted.limits, until=wanted.until, reason=wanted.reason, by=entry.actor_id, at=call.now
    )
    changed = await call.store[Accounts].set_limits(profile, override, entry)
    return Reply(call.store[Users].as_it_stands(changed, call.now), etag=revision_etag(changed))
