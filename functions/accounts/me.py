"""The user's own profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cosmos.accounts.directory import Directory
from cosmos.accounts.users import Users
from functions.accounts.graph import Graph, refreshed
from functions.accounts.showing import told
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.jobs.starting import driven
from models.accounts.actions import CHANGE_PROFILE, READ_PROFILE
from models.accounts.profile import UserProfile
from models.accounts.profile_changes import ProfileChanges
from models.jobs.job import Job

routes = Routes()

MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Following:
    """What follows from an edit of a profile, beyond the profile.

    Attributes:
        promised: The jobs, from the profile as it was and as it will be.
        location: Where to see how far one is, by its id.
    """

    promised: Callable[[Call[Any], UserProfile, UserProfile], list[Job]]
    location: Callable[[str], str]


@routes.operation(
    "GET",
    "me",
    summary="The signed-in user's profile, made at the first sign-in",
    action=READ_PROFILE,
    returns=UserProfile,
    own=True,
    etag=True,
)
async def get_me(call: Call[None]) -> Reply:
    profile = await call.store[Users].sign_in(call.person, call.now, call.issued, call.roles)
    token = call.request.headers["Authorization"].partition(" ")[2].strip()
    profile = await refreshed(call.services.get(Graph), call.store[Directory], profile, token, call.now)
    return await _shown(call, profile)


@routes.operation(
    "PATCH",
    "me",
    summary="Change one's preferences, language, time zone or consents",
    action=CHANGE_PROFILE,
    body=ProfileChanges,
    returns=UserProfile,
    problems=("preferences-too-large", "birth-year-fixed", "name-taken"),
    own=True,
    max_bytes=MAX_BYTES,
    answer_headers=("Link",),
    if_match=True,
    etag=True,
    durable=True,
)
async def edit_me(call: Call[ProfileChanges]) -> Reply:
    """A JSON merge patch (RFC 7386). Each consent that changes is kept with its time in `consent_history`.

    Where this withdraws `data_retention_consent`, a `Link` of the answer tells where to see how far its effect on what
    is kept already is.

    All preferences together may have 16 KB. Totals that are counted meanwhile leave the ETag as it is.
    """
    user_id, expected, changes = (await writer(call)).id, call.expected_revisions, call.body
    jobs: list[Job] = []
    following = call.services[Following]

    def promising(before: UserProfile, after: UserProfile) -> list[Job]:
        jobs[:] = following.promised(call, before, after)
        return jobs

    edited = await call.store[Users].edit(user_id, expected, changes, call.now, promising)
    headers = {}
    for job in jobs:
        await driven(call, job, is_new=True)
        headers = {"Link": f'<{following.location(job.id)}>; rel="status"'}
    return await _shown(call, edited, headers)


async def _shown(call: Call[Any], profile: UserProfile, headers: Mapping[str, str] = {}) -> Reply:
    shown = await told(call, profile)
    return Reply(shown, etag=revision_etag(profile), headers=dict(headers))
