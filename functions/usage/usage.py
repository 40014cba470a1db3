"""What the user may still use."""

from __future__ import annotations

from cosmos.accounts.users import Users
from cosmos.usage.allowances import Allowances
from functions.accounts.acting import AUDIT_REASON, read_about
from functions.core.api import Routes
from functions.core.call import Call
from models.accounts.limits import effective
from models.accounts.profile import UserProfile
from models.usage.actions import READ_USAGE, READ_USE_OF
from models.usage.allowance_view import Usage, usage
from models.usage.windows import Clock

routes = Routes()


@routes.operation(
    "GET", "me/usage", summary="The user's limits: used, reserved, left, and alerts", action=READ_USAGE, returns=Usage
)
async def get_my_usage(call: Call[None]) -> Usage:
    user_id = call.person.user_id
    return await _usage(call, user_id, await call.store[Users].recent(user_id))


@routes.operation(
    "GET",
    "admin/users/{user_id}/usage",
    summary="A user's limits: used, reserved, left, and alerts; it is audited",
    action=READ_USE_OF,
    returns=Usage,
    problems=("audit-reason-required", "outranked"),
    headers=(AUDIT_REASON,),
)
async def get_user_usage(call: Call[None]) -> Usage:
    """Not of an account with more rights than one's own."""
    profile = await read_about(call, "read_usage", "you read what this user used")
    return await _usage(call, profile.id, profile)


async def _usage(call: Call[None], user_id: str, profile: UserProfile | None) -> Usage:
    clock = Clock(call.now, profile.counting_zone if profile else call.person.timezone or "UTC")
    limits = effective(call.services.settings.limits, profile.limit_override if profile else None, call.now)
    return usage(await call.store[Allowances].read(user_id), limits, clock)
