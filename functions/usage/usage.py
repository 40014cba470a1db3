"""What the user may still use."""

from __future__ import annotations

from cosmos.accounts.users import Users
from cosmos.usage.allowances import Allowances
from functions.core.api import Routes
from functions.core.call import Call
from models.accounts.limits import effective
from models.usage.actions import READ_USAGE
from models.usage.allowance_view import Usage, usage
from models.usage.windows import Clock

routes = Routes()


@routes.operation(
    "GET", "me/usage", summary="The user's limits: used, reserved, left, and alerts", action=READ_USAGE, returns=Usage
)
async def get_my_usage(call: Call[None]) -> Usage:
    user_id = call.person.user_id
    profile = await call.store[Users].recent(user_id)
    clock = Clock(call.now, profile.counting_zone if profile else call.person.timezone or "UTC")
    limits = effective(call.services.settings.limits, profile.limit_override if profile else None, call.now)
    return usage(await call.store[Allowances].read(user_id), limits, clock)
