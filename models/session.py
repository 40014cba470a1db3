"""Container `user_sessions`: a conversation, and the claims of the turns recorded in it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.document import Document
from models.values import Count, Timestamp, TimeZone, Uuid

SessionQuality = Literal["unknown", "excellent", "good", "fair", "poor"]


class UserSession(Document):
    """One conversation of one user."""

    container: ClassVar[str] = "user_sessions"

    id: Uuid
    partition_key: Uuid
    kind: Literal["session"] = "session"

    user_id: Uuid
    session_id: Uuid = Field(description="Same as `id`")

    start_time: Timestamp
    end_time: Timestamp | None = None
    duration_seconds: Count | None = Field(default=None, description="From start to last activity, set when it ends")
    is_active: bool = True
    last_activity: Timestamp = Field(description="Start, or time of the newest turn recorded")
    timezone: TimeZone = Field(default="UTC", description="IANA time zone that the session's turns count in")

    user_agent: str | None = Field(default=None, description="The client's User-Agent header, at most 512 characters")
    ip_address: str | None = Field(default=None, description="Keyed hash of the client's address")
    device_type: str | None = Field(default=None, description="mobile, desktop, tablet or bot")
    browser: str | None = None
    platform: str | None = Field(default=None, description="windows, mac, linux, ios, android, ...")

    last_sequence: Count = Field(default=0, description="Sequence number given to the newest turn")
    request_hash: str | None = Field(default=None, description="Hash of the request that started it")

    total_queries: Count = Field(default=0, description="Turns, set from the session's rollup")
    total_responses: Count = Field(default=0, description="Turns whose answer was not a fallback")
    total_tokens: Count = 0
    total_cost_usd: float = Field(default=0.0, ge=0, description="USD")
    totals_revision: int = Field(default=0, ge=0, description="Revision of the rollup that the totals come from")

    personalities_used: list[str] = Field(default_factory=list, description="Most used first")
    topics_discussed: list[str] = Field(default_factory=list, description="Query categories, most used first")

    avg_response_time_ms: float = Field(default=0.0, ge=0)
    user_satisfaction_ratings: list[int] = Field(default_factory=list, description="All ratings 1-5, ascending")

    session_quality: SessionQuality = "unknown"
    completed_successfully: bool = True
    error_count: Count = Field(default=0, description="Turns that were answered by a fallback")


class TurnClaim(Document):
    """Says that a turn's id has been given a sequence number: a repeated request is not counted again."""

    container: ClassVar[str] = "user_sessions"

    kind: Literal["turn_claim"] = "turn_claim"
    session_id: Uuid

    @classmethod
    def of(cls, user_id: str, session_id: str, interaction_id: str) -> TurnClaim:
        return cls(id=f"turn-{interaction_id}", partition_key=user_id, session_id=session_id)
