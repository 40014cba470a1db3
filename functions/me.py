"""The user's own profile and dashboard."""

from __future__ import annotations

import asyncio

from functions.api import Call, Reply, Routes
from functions.graph import refreshed
from models.contribution import Bucket
from models.dashboard import Dashboard, dashboard, months_of
from models.profile import UserProfile

routes = Routes()

FOR_STAFF = frozenset({"admin_notes", "moderation_actions", "totals_revision"})
"""What a profile holds that its user is not shown here."""


@routes.operation("GET", "me", summary="The signed-in user's profile, made at the first sign-in", returns=UserProfile)
async def get_me(call: Call[None]) -> Reply:
    if call.caller is None:
        raise RuntimeError("an operation for users has a caller")
    profile = await call.store.users.sign_in(call.person, call.now, call.caller.issued, call.is_admin)
    token = call.request.headers["Authorization"].partition(" ")[2].strip()
    profile = await refreshed(call.services.graph, call.store.directory, profile, token, call.now)
    return Reply(profile, exclude=FOR_STAFF)


@routes.operation("GET", "me/dashboard", summary="The user's dashboard, from rollups alone", returns=Dashboard)
async def get_my_dashboard(call: Call[None]) -> Dashboard:
    analytics, user_id = call.store.analytics, call.person.user_id
    all_time = await analytics.rollup(user_id, Bucket("all_time"))
    if all_time is None:
        return dashboard(None, None, None)
    first, last = months_of(all_time)
    return dashboard(all_time, *await asyncio.gather(analytics.rollup(user_id, first), analytics.rollup(user_id, last)))
