"""Container `user_sessions`: a conversation, and the claims of the turns recorded in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from models.chat.session_quality import SessionQuality, session_quality
from models.chat.titles import LastTurn, SessionTitle, TitleSource
from models.core.changes import Changes
from models.core.document import Document
from models.core.nearest import Adjusted
from models.core.values import Count, Label, Timestamp, TimeZone, Total, Uuid
from models.core.write_policy import DAY, EVERYTHING, WritePolicy


def _without_repetition(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


SessionTags = Annotated[list[Label], Field(max_length=32), AfterValidator(_without_repetition)]


KEPT_SECONDS = 730 * DAY
"""How long a session is kept after its last turn: as long as that."""

FOR_EVER = -1


class UserSession(Document):
    """One conversation of one user."""

    container: ClassVar[str] = "user_sessions"

    id: Uuid
    partition_key: Uuid
    kind: Literal["session"] = "session"
    ttl: int | None = Field(
        default=None,
        description="2 years from its youngest turn on, and for ever while it is pinned; "
        "`RETENTION_DAYS_WITHOUT_CONSENT` of users without consent to retention",
    )

    user_id: Uuid = Field(description="Whose it is; same as `partition_key`")
    session_id: Uuid = Field(description="Same as `id`")

    start_time: Timestamp = Field(description="When it was started, or its first turn if that is earlier")
    end_time: Timestamp | None = Field(default=None, description="Last activity of a session that has ended, else null")
    duration_seconds: Count | None = Field(
        default=None,
        description="From start to last activity, but no less than its answers took on average; set when it ends. "
        "Null while it goes on, and where nothing tells how long it was",
    )
    is_active: bool = Field(
        default=True, description="Whether it goes on: until it is ended, or nothing happens for `SESSION_IDLE_MINUTES`"
    )
    last_activity: Timestamp = Field(description="Start, or time of the newest turn recorded")
    organization_id: Uuid | None = Field(
        default=None, description="The organization that its turns are for, if any; its user was a member when it began"
    )
    timezone: TimeZone = Field(default="UTC", description="IANA time zone that the session's turns count in")

    title: SessionTitle | None = Field(
        default=None, description="As the user calls it; else made from the first question whose text is stored"
    )
    title_source: TitleSource | None = Field(default=None, description="Who made the title; null without one")
    is_pinned: bool = Field(default=False, description="Whether the user keeps it at the top")
    is_archived: bool = Field(default=False, description="Whether the user has put it aside")
    folder: Label | None = Field(default=None, description="The user's own folder")
    tags: SessionTags = Field(default_factory=list, description="The user's own tags")
    last_turn: LastTurn | None = Field(default=None, description="The turn that was recorded last, for lists")
    expires_after_seconds: int | None = Field(
        default=None, ge=1, description="Of a temporary chat: how long it and each of its turns are kept"
    )

    user_agent: str | None = Field(default=None, description="The client's User-Agent header, at most 512 characters")
    ip_address: str | None = Field(default=None, description="Keyed hash of the client's address")
    device_type: str | None = Field(default=None, description="mobile, desktop, tablet or bot")
    browser: str | None = Field(default=None, description="Family of the browser, from the user agent")
    platform: str | None = Field(default=None, description="windows, mac, linux, ios, android, ...")

    adjusted: Adjusted = Field(
        default_factory=dict, description="What was not valid as it was sent: the field, and what was done"
    )

    last_sequence: Count = Field(default=0, description="Sequence number given to the newest turn")
    request_hash: str | None = Field(default=None, description="Hash of the request that started it")
    analytics_consent: bool = Field(
        default=True,
        description="Its user's consent to analytics when it was started; a withdrawal follows when it is edited or "
        "goes on after its end. Without, it counts in no rollup",
    )

    total_queries: Count = Field(default=0, description="Turns, set from the session's rollup")
    total_responses: Count = Field(default=0, description="Turns whose answer was not a fallback")
    total_tokens: Total = Field(default=0, description="Tokens of all kinds, set from the session's rollup")
    total_cost_usd: float = Field(default=0.0, ge=0, description="USD")
    totals_revision: int = Field(default=0, ge=0, description="Revision of the rollup that the totals come from")

    personalities_used: list[str] = Field(default_factory=list, description="Most used first")
    topics_discussed: list[str] = Field(default_factory=list, description="Query categories, most used first")

    avg_response_time_ms: float | None = Field(
        default=None, ge=0, description="Mean in milliseconds over the turns that report their time; null without one"
    )
    user_satisfaction_ratings: list[int] = Field(default_factory=list, description="All ratings 1-5, ascending")

    session_quality: SessionQuality = Field(default="unknown", description="Set when it ends: see `session_quality`")
    completed_successfully: bool = Field(default=True, description="The outcome, as the client tells it")
    error_count: Count = Field(default=0, description="Turns that were answered by a fallback")

    @property
    def quality(self) -> SessionQuality:
        """What its totals say of its quality."""
        return session_quality(self.total_queries, self.error_count, self.user_satisfaction_ratings)

    def lifetime(self, policy: WritePolicy = EVERYTHING) -> int:
        """The seconds after its last turn that it is kept: a pinned one for ever, if its user has consented to
        retention."""
        kept = policy.session_ttl or (FOR_EVER if self.is_pinned else KEPT_SECONDS)
        if self.expires_after_seconds is None or self.is_pinned:
            return kept
        return min(kept, self.expires_after_seconds)

    def of_turns(self, policy: WritePolicy) -> WritePolicy:
        """What may be kept of its turns, by what may be of the user's: those of a temporary chat no longer than it."""
        if self.expires_after_seconds is None:
            return policy
        return replace(policy, turn_ttl=min(policy.turn_ttl or KEPT_SECONDS, self.expires_after_seconds))

    def ended(self) -> dict[str, Any]:
        """The fields that ending it sets. A session is as long as something happens in it, whenever it is ended.

        Turns of trusted servers carry the time at which they were asked, so a single one spans no time. But it lasts as
        long as its answer takes.
        """
        span = int((self.last_activity - self.start_time).total_seconds())
        duration = max(0, span, ceil((self.avg_response_time_ms or 0) / 1000))
        return {
            "is_active": False,
            "end_time": self.last_activity,
            "duration_seconds": duration or None,
            "session_quality": self.quality,
        }

    def settled(self, first_turn: datetime | None, last_turn: datetime | None) -> UserSession:
        """The session after its turns were counted: they tell its span, in whatever order they were recorded.

        After they were taken out, there is none to tell it.
        """
        span = {
            "start_time": min(filter(None, (self.start_time, first_turn))),
            "last_activity": max(filter(None, (self.last_activity, last_turn))),
        }
        session = self.model_copy(update=span)
        return session if self.is_active else session.model_copy(update=session.ended())

    def changed(self, changes: SessionChanges, policy: WritePolicy = EVERYTHING) -> UserSession:
        """The session after an edit by a user with these consents. A consent that is given anew does not revive it."""
        values = changes.given() | {"analytics_consent": self.analytics_consent and policy.analytics}
        session = self.model_copy(update=values)
        values["ttl"] = session.lifetime(policy) if "is_pinned" in values else policy.session_ttl or self.ttl
        if "title" in values:
            values["title_source"] = "user" if values["title"] is not None else None
        if not policy.texts and values.get("title") is not None:
            values |= {"title": self.title, "title_source": self.title_source}
        if not values.pop("is_active", True) and self.is_active:
            values |= self.ended()
        return self.model_copy(update=values)


REOPENED: dict[str, Any] = {
    "is_active": True,
    "end_time": None,
    "duration_seconds": None,
    "session_quality": "unknown",
}
"""What a turn that is recorded in a session which has ended sets: it goes on."""


def _false() -> Literal[False]:
    return False


class SessionChanges(Changes):
    """What to change about a session, at least one field. What is absent stays."""

    is_active: Literal[False] = Field(
        default_factory=_false, description="Ends it; a turn recorded later goes on with it"
    )
    completed_successfully: bool = Field(default_factory=bool, description="Whether the user got what they wanted")
    timezone: TimeZone = Field(
        default_factory=str, description="IANA time zone that the session and later turns count in"
    )
    title: SessionTitle | None = Field(
        default=None,
        description="What to call it; null: the next question makes one. Not stored without `text_storage_consent`",
    )
    is_pinned: bool = Field(default_factory=bool, description="Whether it is kept at the top")
    is_archived: bool = Field(default_factory=bool, description="Whether it is put aside")
    folder: Label | None = Field(default=None, description="The user's own folder; null: none")
    tags: SessionTags = Field(default_factory=list, description="The user's own tags, all of them")


class TurnClaim(Document):
    """Says that a turn's id has been given a sequence number: a repeated request is not counted again."""

    container: ClassVar[str] = "user_sessions"

    kind: Literal["turn_claim"] = "turn_claim"
    ttl: int | None = Field(default=365 * DAY, description="1 year")
    session_id: Uuid = Field(description="The session that gave the turn its number")

    @classmethod
    def of(cls, user_id: str, session_id: str, interaction_id: str) -> TurnClaim:
        return cls(id=cls.id_of(interaction_id), partition_key=user_id, session_id=session_id)

    @staticmethod
    def id_of(interaction_id: str) -> str:
        return f"turn-{interaction_id}"
