"""The profile of whoever calls."""

from __future__ import annotations

from typing import Any

from cosmos.accounts.users import Users
from functions.core.call import Call
from models.accounts.profile import UserProfile


async def writer(call: Call[Any]) -> UserProfile:
    """The profile of the user who calls, whose account must be active.

    Raises:
        AccountClosed: it is not.
    """
    return await call.store[Users].writer(call.person, call.now, call.issued, call.roles)
