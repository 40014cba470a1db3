"""Container `user_interactions`: one query and its response, as the client tells it and as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, PrivateAttr, StringConstraints

from models.chat.complexity import query_complexity
from models.chat.feedback import PAST_FEEDBACK_KEPT, Feedback, FeedbackChanges, PastFeedback
from models.chat.language import detect_language
from models.chat.names import Dimension
from models.chat.titles import LastTurn
from models.core.document import Document, Message
from models.core.identity import Person, Recorder
from models.core.nearest import (
    NO_GUESS,
    Adjusted,
    instead,
    instead_of_null,
    keep_first,
    rounded,
    shorten,
    spelled,
    text_of_parts,
    within,
)
from models.core.user_agent import Client
from models.core.values import Count, Label, Reference, Timestamp, TimeZone, Uuid, language_tag
from models.core.write_policy import EVERYTHING, WritePolicy
from models.risk.question import QuestionFacts, question_facts
from models.usage.model_names import MAX_MODEL_NAME_LENGTH, ModelReference
from models.usage.pricing import Asked, Cost, PriceTable, ServiceTier, nano_usd
from models.usage.token_usage import TokenUsage, usage_of

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2099, 12, 30, tzinfo=UTC)
"""Times outside of these are mistakes, and at the ends of the calendar a user's own day may not exist."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far a trusted server's clock may be ahead. A turn of the future would keep its session from ever being idle."""

TEXTS = ("user_query", "response_text", "user_feedback")
"""What was said: the fields that are null where texts are not stored. References and tags name things, and stay."""

RARE: Mapping[str, Any] = {
    "model_sent": None,
    "provider": None,
    "service_tier": None,
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0,
    "input_audio_tokens": 0,
    "output_audio_tokens": 0,
    "reported_cost_usd": None,
    "answer_end": None,
    "tokens_estimated": False,
    "adjusted": {},
}
"""Fields that few turns have; where they have this value, they are absent from the document."""

QueryComplexity = Literal["simple", "moderate", "complex"]
ResponseQuality = Literal["high", "medium", "low", "fallback"]
AnswerEnd = Literal["complete", "length", "filtered", "stopped", "broken_off"]
MAX_QUESTION = 32_000
MAX_ANSWER = 200_000
MAX_FEEDBACK = 4000
MAX_TOKENS = 100_000_000
UNKNOWN_MODEL = "unknown"

_Name = Annotated[Label, shorten(64)]
_Names = Annotated[list[Label], Field(max_length=32), keep_first(32, Label, 64)]
_References = Annotated[list[Reference], Field(max_length=64), keep_first(64, Reference, 512)]
_Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS), instead_of_null(0), rounded(), NO_GUESS]
_NeededTokens = Annotated[int, Field(ge=0, le=MAX_TOKENS), rounded()]
_Model = Annotated[
    ModelReference,
    shorten(MAX_MODEL_NAME_LENGTH),
    instead(UNKNOWN_MODEL, "no model was named"),
]
TurnId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$")]


def _counts_or_usage(schema: dict[str, Any]) -> None:
    """Token counts are needed, and a usage object has them."""
    counts = ["input_tokens", "output_tokens"]
    schema["required"] = [name for name in schema["required"] if name not in counts]
    schema["anyOf"] = [{"required": counts}, {"required": ["usage"], "properties": {"usage": {"type": "object"}}}]


class Turn(Message):
    """One finished query and response, as the client reports it.

    The token counts are disjoint and add up; or `usage` is what the provider said, as it came.
    """

    model_config = ConfigDict(json_schema_extra=_counts_or_usage)

    user_query: Annotated[str, shorten(MAX_QUESTION), instead_of_null(""), text_of_parts()] = Field(
        max_length=MAX_QUESTION, description="The user's question; empty where there was none, as of an image alone"
    )
    user_query_language: Annotated[str | None, spelled(language_tag)] = Field(
        default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47 tag; detected if absent"
    )
    query_category: _Name = Field(default="general", description="philosophy, science, history, ...")
    personality_used: _Name = Field(default="assistant", description="krishna, buddha, socrates, einstein, ...")
    response_text: Annotated[str, shorten(MAX_ANSWER), instead_of_null(""), text_of_parts()] = Field(
        max_length=MAX_ANSWER, description="The generated response; empty where there is none, as of a call of a tool"
    )
    response_quality: ResponseQuality = "medium"
    response_time_ms: Annotated[Count, within(0, 86_400_000), rounded()] = Field(
        default=0, le=86_400_000, description="Milliseconds to generate the response"
    )

    model_used: _Model = Field(description="The model's name, as its provider or cloud spells it, or a deployment's")
    provider: Annotated[str | None, shorten(64)] = Field(
        default=None, max_length=64, description="Who served it, where the name does not say: azure, openrouter, ..."
    )
    service_tier: Annotated[ServiceTier | None, spelled(str.lower), instead(None, "taken for the standard one")] = (
        Field(default=None, description="How it was served, if not the standard way")
    )
    usage: dict[str, Any] | None = Field(
        default=None, description="The provider's own usage object, instead of the counts below: see the API guide"
    )
    input_tokens: _NeededTokens = Field(description="Input tokens of no other kind")
    cached_input_tokens: _Tokens = Field(default=0, description="Input tokens read from a cache")
    cache_write_5m_tokens: _Tokens = Field(default=0, description="Input tokens written to a cache for 5 minutes")
    cache_write_1h_tokens: _Tokens = Field(default=0, description="Input tokens written to a cache for an hour")
    input_audio_tokens: _Tokens = Field(default=0, description="Input tokens of sound, not read from a cache")
    output_tokens: _NeededTokens = Field(description="Output tokens without reasoning and sound")
    reasoning_tokens: _Tokens = Field(default=0, description="Reasoning tokens")
    output_audio_tokens: _Tokens = Field(default=0, description="Output tokens of sound")
    reported_cost_usd: float | None = Field(
        default=None, ge=0, le=1_000_000, allow_inf_nan=False, description="USD that the provider says it cost"
    )

    rag_sources_used: _References = Field(default_factory=list)
    citations_provided: _References = Field(default_factory=list)
    context_relevance_score: Annotated[float | None, within(0, 1)] = Field(default=None, ge=0, le=1)

    user_rating: int | None = Field(default=None, ge=1, le=5, description="Stars")
    user_feedback: Annotated[str | None, shorten(MAX_FEEDBACK)] = Field(default=None, max_length=MAX_FEEDBACK)
    was_helpful: bool | None = Field(default=None, description="Thumbs up or down")
    was_shared: bool = False

    content_tags: _Names = Field(default_factory=list)
    content_themes: _Names = Field(default_factory=list)
    source_references: _References = Field(default_factory=list)

    safety_score: Annotated[float, within(0, 1)] = Field(default=1.0, ge=0, le=1)
    moderation_flags: _Names = Field(default_factory=list)
    was_flagged: bool = False

    admission_id: Annotated[Uuid | None, spelled(str.lower)] = Field(
        default=None, description="The admission that this turn settles"
    )
    store_texts: Annotated[bool, instead(False, "not a boolean: texts are not stored")] = Field(
        default=True,
        description="false: `user_query`, `response_text` and `user_feedback` are not stored, everything else is. "
        "Never stored of users without `text_storage_consent`, whatever this says",
    )

    def names(self, prices: PriceTable) -> dict[Dimension, str]:
        """What it is counted by. A language that it does not tell is detected here."""
        names: dict[Dimension, str] = {
            "model": prices.canonical(self.model_used, self.provider),
            "personality": self.personality_used,
            "category": self.query_category,
        }
        return names | ({"language": self.user_query_language} if self.user_query_language else {})

    _adjusted: Adjusted = PrivateAttr(default_factory=dict)

    @property
    def adjusted(self) -> Adjusted:
        """What was changed to bring what was sent into a valid form: see `models.chat.reporting`."""
        return self._adjusted

    def with_adjusted(self, adjusted: Adjusted) -> Self:
        self._adjusted = adjusted
        return self


class IngestedTurn(Turn):
    """One turn of a batch from a trusted server: whose, in which session, when, and from where."""

    id: TurnId = Field(description="The turn's id: sent again, it is not recorded again")
    user: Person
    session_id: Annotated[Uuid, spelled(str.lower)]
    timestamp: Timestamp = Field(
        ge=EARLIEST, le=LATEST, description="When it was asked: from 2000 on, at most 5 minutes ahead"
    )
    was_bookmarked: bool = Field(default=False, description="Whether its user saved it: it becomes a bookmark, too")
    ip_address: str | None = Field(default=None, max_length=64, description="Stored as a keyed hash only")
    user_agent: Annotated[str | None, shorten(2048)] = Field(default=None, max_length=2048)


class UserInteraction(Document):
    """A turn as it is stored: what the client reported and what the server made of it."""

    container: ClassVar[str] = "user_interactions"

    id: TurnId = Field(
        description="UUIDv5 of session and Idempotency-Key; random without a key; or a trusted server's own"
    )
    partition_key: Uuid
    kind: Literal["interaction"] = "interaction"
    ttl: int | None = Field(
        default=None, description="2 years; `RETENTION_DAYS_WITHOUT_CONSENT` of users without consent to retention"
    )

    user_id: Uuid = Field(description="Whose it is; same as `partition_key`")
    session_id: Uuid = Field(description="The session it belongs to")
    organization_id: Uuid | None = Field(default=None, description="The session's: the organization that it counts for")
    interaction_sequence: int = Field(ge=1, description="Order within the session: 1, 2, 3, ...")

    timestamp: Timestamp = Field(description="When it was recorded; of an ingested turn, when it was asked")
    timezone: TimeZone = Field(description="IANA time zone in which the turn's day and hour count")
    response_time_ms: Count = Field(description="Milliseconds to generate the response; 0 where unknown")

    texts_stored: bool = Field(
        default=True, description="Whether question, answer and written feedback are kept; false: they are null"
    )
    user_query: str | None = Field(description="The user's question; null where texts are not stored")
    user_query_length: Count = Field(description="Characters (code points)")
    user_query_language: str = Field(description="BCP 47 tag; `und` where it can't be told")
    query_category: str = Field(description="Subject, as the client tells it: philosophy, science, ...")
    query_complexity: QueryComplexity = Field(description="How much the question asks for: see `query_complexity`")

    personality_used: str = Field(description="Who answered, as the client tells it")
    response_text: str | None = Field(description="The generated response; null where texts are not stored")
    response_length: Count = Field(description="Characters (code points)")
    response_quality: ResponseQuality = Field(
        description="As the client tells it; `fallback` is an answer in place of a failed one"
    )

    model_used: str = Field(description="The model's one name, however it was spelled")
    model_sent: str | None = Field(default=None, description="Its name as it was sent, if that is another")
    provider: str | None = Field(default=None, description="Who served it, as the client tells it")
    service_tier: ServiceTier | None = Field(default=None, description="How it was served; null: the standard way")
    input_tokens: Count = Field(description="Input tokens of no other kind")
    cached_input_tokens: Count = Field(default=0, description="Input tokens read from a cache")
    cache_write_5m_tokens: Count = Field(default=0, description="Input tokens written to a cache for 5 minutes")
    cache_write_1h_tokens: Count = Field(default=0, description="Input tokens written to a cache for an hour")
    input_audio_tokens: Count = Field(default=0, description="Input tokens of sound, not read from a cache")
    output_tokens: Count = Field(description="Output tokens without reasoning and sound")
    reasoning_tokens: Count = Field(default=0, description="Reasoning tokens")
    output_audio_tokens: Count = Field(default=0, description="Output tokens of sound")
    total_tokens: Count = Field(description="Sum of all kinds of tokens")
    cost_usd: float | None = Field(ge=0, description="USD; null where the model has no price")
    cost_nano_usd: Count | None = Field(description="The same in 1e-9 USD, an integer, so that sums are exact")
    price_version: str = Field(
        description="Which prices: package version, and a hash of overrides; `reported`: the provider's own"
    )
    reported_cost_usd: float | None = Field(default=None, ge=0, description="USD that the provider says it cost")

    rag_sources_used: list[str] = Field(default_factory=list, description="Sources that the answer was generated from")
    citations_provided: list[str] = Field(default_factory=list, description="Sources that the answer cites")
    context_relevance_score: float | None = Field(
        default=None, description="How well the sources fit the question, 0-1, as the client tells it"
    )

    user_rating: int | None = Field(default=None, ge=1, le=5, description="Stars, 1-5")
    user_feedback: str | None = Field(default=None, description="Feedback in the user's words")
    was_helpful: bool | None = Field(default=None, description="Thumbs up or down")
    was_bookmarked: bool = Field(default=False, description="Whether the turn is bookmarked")
    bookmark_revision: Count = Field(
        default=0, description="Revision of the bookmark that `was_bookmarked` comes from; 0 before the first"
    )
    was_shared: bool = Field(default=False, description="Whether the user shared the answer")
    feedback_at: Timestamp | None = Field(
        default=None, description="When the feedback was given, if later than the turn was recorded"
    )
    feedback_history: list[PastFeedback] = Field(default_factory=list, description="Earlier feedback, oldest first")

    content_tags: list[str] = Field(default_factory=list, description="Tags of the content, as the client tells it")
    content_themes: list[str] = Field(default_factory=list, description="Themes of the content, as the client tells it")
    source_references: list[str] = Field(default_factory=list, description="References to the works that it is about")

    safety_score: float = Field(default=1.0, ge=0, le=1, description="1 is harmless, 0 is not, as the client tells it")
    moderation_flags: list[str] = Field(
        default_factory=list, description="What moderation found, as the client tells it"
    )
    was_flagged: bool = Field(default=False, description="Whether moderation flagged it")
    admission_id: Uuid | None = Field(default=None, description="The admission that it settled")

    ip_address: str | None = Field(default=None, description="Keyed hash of the client's address")
    device_type: str | None = Field(default=None, description="mobile, desktop, tablet or bot, from the user agent")
    browser: str | None = Field(default=None, description="Family of the browser, from the user agent")
    platform: str | None = Field(
        default=None, description="windows, mac, linux, ios, android, ..., from the user agent"
    )
    request_hash: str = Field(description="Keyed hash of the request that made it, to tell a repetition from a reuse")
    traceparent: str | None = Field(
        default=None, description="W3C trace context of the request that recorded it, where traces are taken"
    )
    question_facts: QuestionFacts | None = Field(
        default=None, description="What the rules on abuse need of the question, if its text is not stored"
    )
    analytics_consent: bool = Field(
        default=True, description="Its user's consent to analytics; without, it counts in no rollup"
    )
    recorded_by: Recorder = Field(
        default="user",
        description="Who says that it took place. The platform's use and cost are those of servers; what users report "
        "is shown beside them",
    )
    unvouched: list[Dimension] = Field(
        default_factory=list,
        description="Of a turn that its user recorded: what it has names for that nobody else knows. The platform "
        "counts them as `other`",
    )
    answer_end: AnswerEnd | None = Field(
        default=None,
        description="Of an answer that this service asked a model for, how it ended: `complete`; `length`, at its "
        "limit of tokens; `filtered` by the model's provider; `stopped` by its user; `broken_off`",
    )
    tokens_estimated: bool = Field(
        default=False, description="Whether tokens, and so the cost, are estimated: the provider did not say them"
    )
    adjusted: Adjusted = Field(
        default_factory=dict, description="What of the turn was not valid as it was sent: the field, and what was done"
    )

    @property
    def asked(self) -> Asked:
        """All that its price goes by besides tokens and time."""
        model = self.model_sent or self.model_used
        return Asked(model, self.provider, self.service_tier, nano_usd(self.reported_cost_usd))

    def body(self) -> dict[str, Any]:
        """The JSON body to store, smaller by what few turns have."""
        return {name: value for name, value in super().body().items() if name not in RARE or value != RARE[name]}

    def with_feedback(self, changes: FeedbackChanges, now: datetime, texts: bool = True) -> UserInteraction:
        """The turn after feedback at `now`: itself, if it says what the turn says already.

        Args:
            texts: Whether the user's words are stored; those of a turn without texts never are.
        """
        before = {name: getattr(self, name) for name in Feedback.model_fields}
        given = changes.given()
        if given.get("user_feedback") is not None and not (texts and self.texts_stored):
            del given["user_feedback"]
        after = before | given
        if after == before:
            return self
        history = self.feedback_history
        if Feedback(**before) != Feedback():
            history = [*history, PastFeedback(**before, given_at=self.feedback_at or self.timestamp)]
        kept = history[-PAST_FEEDBACK_KEPT:]
        return self.model_copy(update=after | {"feedback_at": now, "feedback_history": kept})


@dataclass(frozen=True)
class Origin:
    """Where and when a turn came in: what the server knows of it besides what the client reports.

    Attributes:
        unvouched: See `UserInteraction`; a model that has a price is known, too.
    """

    user_id: str
    session_id: str
    timestamp: datetime
    ip_address: str | None
    client: Client
    request_hash: str
    traceparent: str | None = None
    recorded_by: Recorder = "user"
    unvouched: tuple[Dimension, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A turn that is complete but for what its session gives: the sequence number and the time zone.

    Attributes:
        known: Fields of the document that do not follow from the turn: of a text that is not at hand any more.
    """

    interaction_id: str
    turn: Turn
    origin: Origin
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usage(self) -> TokenUsage:
        return usage_of(self.turn)

    def preview(self, policy: WritePolicy = EVERYTHING) -> LastTurn:
        """As lists of conversations show it."""
        turn, texts = self.turn, self.turn.store_texts and policy.texts
        said = (turn.user_query, turn.response_text) if texts else (None, None)
        return LastTurn.of(self.interaction_id, self.origin.timestamp, *said)

    def cost(self, prices: PriceTable) -> Cost:
        """What it cost, at the prices of its time."""
        turn = self.turn
        asked = Asked(turn.model_used, turn.provider, turn.service_tier, nano_usd(turn.reported_cost_usd))
        return prices.cost(asked, self.usage, self.origin.timestamp)

    def interaction(
        self,
        sequence: int,
        timezone: str,
        cost: Cost,
        policy: WritePolicy = EVERYTHING,
        model: str | None = None,
        organization_id: str | None = None,
    ) -> UserInteraction:
        """The document to store.

        Args:
            organization_id: The session's.
            model: The model's one name; the name as it was sent if None.
        """
        turn, origin = self.turn, self.origin
        reported = turn.model_dump(include=set(Turn.model_fields) - {"store_texts", "usage"})
        if not (turn.store_texts and policy.texts):
            reported |= dict.fromkeys(TEXTS) | {
                "texts_stored": False,
                "question_facts": question_facts(turn.user_query, policy.text_key),
            }
        return UserInteraction(
            **reported
            | {
                "id": self.interaction_id,
                "partition_key": origin.user_id,
                "user_id": origin.user_id,
                "session_id": origin.session_id,
                "organization_id": organization_id,
                "interaction_sequence": sequence,
                "timestamp": origin.timestamp,
                "timezone": timezone,
                "user_query_length": len(turn.user_query),
                "user_query_language": turn.user_query_language or detect_language(turn.user_query),
                "query_complexity": query_complexity(turn.user_query),
                "response_length": len(turn.response_text),
                "model_used": model or turn.model_used,
                "model_sent": turn.model_used if model not in (None, turn.model_used) else None,
                "total_tokens": self.usage.total,
                "cost_usd": cost.cost_usd,
                "cost_nano_usd": cost.cost_nano_usd,
                "price_version": cost.price_version,
                "was_bookmarked": isinstance(turn, IngestedTurn) and turn.was_bookmarked,
                "ip_address": origin.ip_address,
                "device_type": origin.client.device_type,
                "browser": origin.client.browser,
                "platform": origin.client.platform,
                "request_hash": origin.request_hash,
                "traceparent": origin.traceparent,
                "analytics_consent": policy.analytics,
                "recorded_by": origin.recorded_by,
                "unvouched": [name for name in origin.unvouched if name != "model" or cost.model is None],
                "ttl": policy.turn_ttl,
                "adjusted": turn.adjusted,
            }
            | dict(self.known)
        )
