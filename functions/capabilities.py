"""What the app can do, by capability: its routes, and what runs by itself. `CAPABILITIES` switches some off."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from functions.accounts import admin_users, me
from functions.analytics import admin_insights, admin_standings, insights, organization_use
from functions.answers import answers, recording
from functions.chat import admin_history, history, idle_sessions, ingest, interactions, repricing, sessions
from functions.core import health, importing
from functions.core.api import Routes
from functions.core.settings import CAPABILITIES as NAMES
from functions.counting import dead_letters, feeds, rebuild
from functions.jobs import admin_jobs, standing_still
from functions.jobs.kind import JobKind
from functions.jobs.watching import Look
from functions.library import bookmarks, favorites, ratings, reviews
from functions.organizations import assignments, groups, invitations, members, my_rights, organizations, roles
from functions.people import access_log, admin_profile, birth_years, guardians, retention, role_profiles, wards
from functions.privacy import consents, erasure, export, forgetting, noting, restoring
from functions.risk import admin_risk
from functions.usage import admin_limits, admissions, usage


@dataclass(frozen=True)
class Capability:
    """One capability of the app.

    Attributes:
        routes: Its HTTP operations.
        blueprints: What runs by itself: change feeds and timers.
        jobs: The kinds of jobs that it promises.
        looks: What is looked after every minute, besides these.
    """

    routes: tuple[Routes, ...] = ()
    blueprints: tuple[Any, ...] = field(default=())
    jobs: tuple[JobKind, ...] = ()
    looks: tuple[Look, ...] = ()


CAPABILITIES: dict[str, Capability] = {
    "core": Capability((health.routes, importing.routes)),
    "accounts": Capability((me.routes, admin_users.routes), (feeds.OF["users"],)),
    "privacy": Capability(
        (export.routes, consents.routes, erasure.routes),
        (forgetting.blueprint,),
        (erasure.JOB, noting.JOB, restoring.JOB, consents.JOB),
        (restoring.look_at_log,),
    ),
    "counting": Capability((dead_letters.routes, rebuild.routes), (feeds.OF["user_analytics"],), (rebuild.JOB,)),
    "chat": Capability(
        (
            sessions.routes,
            interactions.routes,
            history.routes,
            ingest.routes,
            admin_history.routes,
            repricing.routes,
        ),
        (feeds.OF["user_interactions"], feeds.OF["user_sessions"], idle_sessions.blueprint),
        (repricing.JOB,),
    ),
    "answers": Capability((answers.routes,), looks=(recording.look_after_answers,)),
    "usage": Capability((admissions.routes, usage.routes, admin_limits.routes)),
    "jobs": Capability((admin_jobs.routes,), looks=(standing_still.look_at_feeds,)),
    "analytics": Capability((insights.routes, admin_insights.routes, admin_standings.routes, organization_use.routes)),
    "risk": Capability((admin_risk.routes,)),
    "library": Capability(
        (bookmarks.routes, favorites.routes, ratings.routes, reviews.routes), (feeds.OF["user_bookmarks"],)
    ),
    "organizations": Capability(
        (
            organizations.routes,
            members.routes,
            invitations.routes,
            roles.routes,
            assignments.routes,
            groups.routes,
            my_rights.routes,
        )
    ),
    "people": Capability(
        (
            role_profiles.routes,
            admin_profile.routes,
            guardians.routes,
            birth_years.routes,
            wards.routes,
            access_log.routes,
        ),
        (retention.blueprint,),
    ),
}
"""By the names of their folders. The setting knows them by the same names, without importing them: a test compares."""


def chosen(names: Collection[str]) -> list[Capability]:
    """Those that are switched on."""
    return [capability for name, capability in CAPABILITIES.items() if name in names or name not in NAMES]
