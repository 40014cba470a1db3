"""How one profile is shown: as it stands at the time, and with the roles that its user has today."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cosmos.accounts.users import Users
from functions.core.call import Call
from functions.core.parts import Parts
from models.accounts.profile import CurrentRoles, UserProfile


@dataclass(frozen=True)
class RolesToday:
    """Who knows which roles a user has: organizations do, which come after accounts."""

    of: Callable[[Parts, UserProfile, datetime], Awaitable[CurrentRoles]]


async def told(call: Call[Any], profile: UserProfile) -> UserProfile:
    """A profile as it is shown to whoever reads it alone."""
    roles = await call.services[RolesToday].of(call.store, profile, call.now)
    return call.store[Users].as_it_stands(profile, call.now).with_roles(roles)
