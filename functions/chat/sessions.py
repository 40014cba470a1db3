"""Sessions: started, listed, read, ended."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import Field, WithJsonSchema

from cosmos.accounts.users import Users
from cosmos.chat.sessions import SessionFilter, SessionOrder, Sessions
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.chat.actions import CHANGE_SESSIONS, READ_SESSIONS, START_IN
from models.chat.session import SessionChanges, SessionTags, UserSession
from models.chat.titles import SessionTitle
from models.core.document import Message
from models.core.identity import request_id_of
from models.core.values import Label, Timestamp, Uuid
from models.core.write_policy import DAY, LEAST_SECONDS, Privacy
from models.core.zones import nearest_zone

routes = Routes()

NamedZone = Annotated[str, WithJsonSchema({"type": "string", "format": "iana-time-zone", "examples": ["Asia/Kolkata"]})]


class NewSession(Message):
    """What the client says of a session that starts."""

    timezone: NamedZone | None = Field(
        default=None,
        description="IANA time zone, as the browser names it; the profile's if absent or unknown, else UTC",
    )
    organization_id: Uuid | None = Field(
        default=None, description="An organization of the user's: the session's turns count for it, too"
    )
    title: SessionTitle | None = Field(
        default=None,
        description="What to call it; else the first question makes a title. Not stored without `text_storage_consent`",
    )
    folder: Label | None = Field(default=None, description="The user's own folder")
    tags: SessionTags = Field(default_factory=list, description="The user's own tags")
    expires_after_seconds: int | None = Field(
        default=None,
        ge=LEAST_SECONDS,
        le=30 * DAY,
        description="Makes it a temporary chat: it and each of its turns are kept this long; absent: like all others",
    )


class SessionQuery(Paged):
    """Which sessions to list: those that fit all that is given."""

    from_: Timestamp | None = Field(default=None, alias="from", description="Started then or later")
    to: Timestamp | None = Field(default=None, description="Started before")
    active: bool | None = Field(default=None, description="false: those that have ended")
    archived: bool | None = Field(default=None, description="true: those that are put aside; false: all others")
    pinned: bool | None = Field(default=None, description="true: those that are kept at the top; false: all others")
    folder: Label | None = None
    tag: Label | None = Field(default=None, description="Those that have it among their tags")
    order: SessionOrder = Field(
        default="start", description="start: those started last come first; activity: those used last"
    )


@routes.operation(
    "POST",
    "sessions",
    summary="Start a session",
    action=CHANGE_SESSIONS,
    also=(START_IN,),
    body=NewSession,
    returns=UserSession,
    status=201,
    problems=("not-found",),
    etag=True,
)
async def start_session(call: Call[NewSession]) -> Reply:
    """A zone that nobody knows keeps no chat from beginning: the profile's takes its place, and `adjusted` says so."""
    named, organization_id = call.body.timezone, call.body.organization_id
    if organization_id is not None:
        await call.check_in(organization_id, START_IN)
    zone = nearest_zone(named) if named else None
    profile = await call.store[Users].zoned(await writer(call), zone, call.now)
    timezone = zone or profile.timezone or "UTC"
    key = call.idempotency_key
    session_id = request_id_of(profile.id, "sessions", key) if key else str(uuid.uuid4())
    client, policy = call.client, profile.write_policy(call.services[Privacy])
    title = call.body.title if policy.texts else None
    session = UserSession(
        id=session_id,
        partition_key=profile.id,
        user_id=profile.id,
        session_id=session_id,
        start_time=call.now,
        last_activity=call.now,
        organization_id=organization_id,
        timezone=timezone,
        title=title,
        title_source="user" if title is not None else None,
        folder=call.body.folder,
        tags=call.body.tags,
        adjusted={} if named in (None, zone) else {"timezone": f"taken for {timezone}"},
        user_agent=call.user_agent and call.user_agent[:512],
        ip_address=call.hashed_address,
        device_type=client.device_type,
        browser=client.browser,
        platform=client.platform,
        request_hash=content_hash(call.body),
        analytics_consent=policy.analytics,
        expires_after_seconds=call.body.expires_after_seconds,
    )
    session.ttl = policy.session_ttl if call.body.expires_after_seconds is None else session.lifetime(policy)
    return _shown(await call.store[Sessions].start(session))


@routes.operation(
    "GET",
    "sessions",
    summary="The user's sessions, those started or used last first",
    action=READ_SESSIONS,
    query=SessionQuery,
    returns=Page[UserSession],
)
async def list_sessions(call: Call[None]) -> Page[UserSession]:
    query: SessionQuery = call.query
    wanted = SessionFilter(
        start=query.from_,
        end=query.to,
        active=query.active,
        archived=query.archived,
        pinned=query.pinned,
        folder=query.folder,
        tag=query.tag,
        order=query.order,
    )
    user_id = call.person.user_id
    sessions, following = await call.store[Sessions].page(user_id, wanted, query.limit, verified_continuation(call))
    return Page(items=sessions, continuation=signed_continuation(call, following))


@routes.operation(
    "GET", "sessions/{session_id}", summary="A session", action=READ_SESSIONS, returns=UserSession, etag=True
)
async def get_session(call: Call[None]) -> Reply:
    return _shown(await call.store[Sessions].read(call.person.user_id, call.uuid("session_id")))


@routes.operation(
    "PATCH",
    "sessions/{session_id}",
    summary="Name a session, put it in its place, end it, say how it went, or correct its time zone",
    action=CHANGE_SESSIONS,
    body=SessionChanges,
    returns=UserSession,
    if_match=True,
    etag=True,
)
async def edit_session(call: Call[SessionChanges]) -> Reply:
    """Ending sets `end_time`, `duration_seconds` and `session_quality`. A turn that is recorded later reopens it.

    Turns and their totals leave the ETag as it is; ending, reopening and editing change it.
    """
    profile, session_id = await writer(call), call.uuid("session_id")
    policy = profile.write_policy(call.services[Privacy])
    return _shown(await call.store[Sessions].edit(profile.id, session_id, call.expected_revisions, call.body, policy))


def _shown(session: UserSession) -> Reply:
    return Reply(session, etag=revision_etag(session))
