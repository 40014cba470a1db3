"""Each figure's unit, what it leaves out, and from when on it counts. A test sees that no figure is without.

Its definition, in one sentence, is the description of its field. What is left out by all figures is said once, above
the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from functions.analytics.admin_standings import BusyUser
from models.accounts.profile import UserProfile
from models.analytics.dashboard import Dashboard, InteractionQuality, LearningGrowth, UsageInsights
from models.analytics.insights import (
    Cohort,
    CommonQuestion,
    FeatureAdoption,
    FlaggedUse,
    Group,
    GrowthMetrics,
    HighRiskUser,
    Insights,
    PlatformHealth,
    PlatformUse,
    Retention,
    UsePeriod,
)
from models.analytics.organization_use import DayOfUse, MemberUse, ModelUse, Use
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.question import Asked, Question
from models.analytics.recommendations import Recommendation, Recommendations
from models.analytics.reported import ReportedUse
from models.analytics.rollup import Rollup
from models.analytics.user_analytics import Analytics, Totals
from models.analytics.user_group import UserGroup
from models.chat.session import UserSession
from models.core.document import Document
from models.counting.bucket_document import BucketDocument
from models.risk.address_day import AddressDay

INTRODUCTION = """What is told of use, and how to read it. All figures leave out what a user without `analytics_consent`
does. Those of the platform are of turns that servers recorded; what users report is in `reported`. What an erased user
did stays in the platform's figures, which name nobody. `python -m bench figures` counts each of them anew, and
compares."""


@dataclass(frozen=True)
class Figures:
    """The figures of a model.

    Attributes:
        since: From when on they count, unless a figure says otherwise.
        fields: Unit and what is left out, by field; in the third place from when on, where it differs.
        plain: Fields that are no figures: which it is, how it is kept, and what holds figures of its own.
    """

    model: type[BaseModel]
    since: str
    fields: dict[str, tuple[str, ...]]
    plain: frozenset[str] = frozenset()


UNPRICED = "turns whose model has no price"
UNTIMED = "turns that don't report their time"
UNRATED = "turns without a rating"
NOTHING = "nothing"
FLAGGED = "flagged accounts"
BEYOND = "values beyond the 200 most early ones, which are `other`"

_TOTALS = {
    "total_interactions": ("turns", NOTHING),
    "total_sessions": ("sessions", "those begun before the period"),
    "total_tokens": ("tokens", NOTHING),
    "total_cost_usd": ("USD", UNPRICED),
    "unpriced_interactions": ("turns", "turns that have a price"),
    "avg_response_time_ms": ("milliseconds", UNTIMED),
    "timed_interactions": ("turns", UNTIMED),
    "rated_interactions": ("turns", UNRATED),
}
_HEALTH = {
    **{name: figure for name, figure in _TOTALS.items() if name != "total_sessions"},
    "active_users": ("users", "users with sessions and no turns"),
    "response_time_p50_ms": ("milliseconds", UNTIMED),
    "response_time_p95_ms": ("milliseconds", UNTIMED),
    "error_rate": ("share of turns", NOTHING),
    "user_satisfaction": ("stars", UNRATED),
    "cost_per_interaction_usd": ("USD a turn", UNPRICED),
}
_ENDED = "sessions that go on, or whose length nothing tells"
_FEATURE = ("share of active users", "users without a turn in the month")
_KEPT = frozenset(BucketDocument.model_fields) | {"last_updated", "user_id"}
_USE: dict[str, tuple[str, ...]] = {
    "interactions": ("turns", NOTHING),
    "tokens": ("tokens", NOTHING),
    "cost_usd": ("USD", UNPRICED),
    "unpriced_interactions": ("turns", "turns that have a price"),
}

_OF_ORGANIZATION: dict[str, tuple[str, ...]] = {
    "interactions": ("turns", "turns of sessions without the organization"),
    "tokens": ("tokens", "turns of sessions without the organization"),
    "cost_usd": ("USD", UNPRICED),
}

FIGURES: tuple[Figures, ...] = (
    Figures(Use, "the first day", _OF_ORGANIZATION),
    Figures(DayOfUse, "the day's start", _OF_ORGANIZATION, frozenset({"day"})),
    Figures(
        ModelUse,
        "the first day",
        {name: figure for name, figure in _OF_ORGANIZATION.items() if name != "tokens"},
        frozenset({"model"}),
    ),
    Figures(
        MemberUse,
        "the first day",
        {**_OF_ORGANIZATION, "active_days": ("days", "days without turns for the organization")},
        frozenset({"user_id", "name", "last_active_day", "days", "models"}),
    ),
    Figures(
        Rollup,
        "the period's start",
        {
            **_TOTALS,
            "avg_session_duration": ("seconds", _ENDED),
            "timed_sessions": ("sessions", _ENDED),
            "avg_queries_per_session": ("turns a session", "nothing: turns of sessions begun before the period count"),
            "personality_usage": ("turns", BEYOND),
            "topic_distribution": ("turns", BEYOND),
            "query_complexity_breakdown": ("turns", NOTHING),
            "response_quality_breakdown": ("turns", NOTHING),
            "most_active_hours": ("hours of the day", "hours beyond the third; a session's"),
            "most_active_days": ("days of the week", "days beyond the third; a session's"),
            "avg_response_rating": ("stars", UNRATED),
            "total_bookmarks": ("bookmarks", "deleted ones"),
            "bookmark_rate": ("share of turns", NOTHING),
            "share_rate": ("share of turns", NOTHING),
            "learning_journey_progress": ("numbers and a word", "what was understood"),
            "knowledge_areas_explored": ("categories", BEYOND),
            "favorite_sources": ("sources", "sources only retrieved, and beyond the tenth"),
            "deep_dive_topics": ("categories", "sessions whose first turn was before the period"),
            "usage_anomalies": ("patterns", "patterns without evidence in the period"),
            "risk_indicators": ("strength, 0-1", "rules without evidence in the period"),
            "abuse_likelihood": ("chance, 0-1", "rules without evidence in the period"),
        },
        _KEPT | {"timezone", "period_start", "period_end"},
    ),
    Figures(Presence, "midnight of UTC", {"turns": ("turns", NOTHING)}, _KEPT),
    Figures(AddressDay, "the day's start", {"busy_accounts": ("accounts", "accounts with fewer than 20 turns")}, _KEPT),
    Figures(
        PlatformRollup,
        "the period's start, by UTC",
        {
            **_HEALTH,
            "total_sessions": _TOTALS["total_sessions"],
            "new_users": ("users", "users with sessions and no turns"),
            "feature_adoption": ("users", "users without a turn in the month; days have none"),
            "model_usage": ("turns", BEYOND),
            "personality_usage": ("turns", BEYOND),
            "topic_distribution": ("turns", BEYOND),
            "language_distribution": ("turns", BEYOND),
        },
        _KEPT,
    ),
    Figures(
        UserGroup,
        "the cohort's day",
        {
            "users": ("users", NOTHING),
            "returned_day_1": ("users", NOTHING),
            "returned_day_7": ("users", NOTHING),
            "returned_day_30": ("users", NOTHING),
        },
        _KEPT,
    ),
    Figures(
        Question,
        "the month's start, by UTC",
        {
            "askers": ("users", "users beyond 300 pairs of user and day, who are one"),
            "frequency": ("turns", "a user's turns beyond the third on a day"),
            "shown_askers": ("users", "as `askers`"),
            "ratings": ("turns", UNRATED),
            "avg_rating": ("stars", UNRATED),
        },
        _KEPT | {"question", "was_common"},
    ),
    Figures(
        Asked,
        "the month's start, by UTC",
        {
            "askers": ("users", "users beyond 300 pairs of user and day, who are one"),
            "frequency": ("turns", "a user's turns beyond the third on a day"),
            "ratings": ("turns", UNRATED),
            "avg_rating": ("stars", UNRATED),
        },
    ),
    Figures(
        UserSession,
        "the session's start",
        {
            "duration_seconds": ("seconds", "what happens after the last turn is asked, but for its answer"),
            "total_queries": ("turns", NOTHING),
            "total_responses": ("turns", "fallbacks"),
            "total_tokens": ("tokens", NOTHING),
            "total_cost_usd": ("USD", UNPRICED),
            "personalities_used": ("personalities", BEYOND),
            "topics_discussed": ("categories", BEYOND),
            "avg_response_time_ms": ("milliseconds", UNTIMED),
            "user_satisfaction_ratings": ("stars", UNRATED),
            "session_quality": ("a word", "sessions that go on"),
            "error_count": ("turns", "answers other than fallbacks"),
        },
        frozenset(
            {
                *Document.model_fields,
                *(
                    "user_id",
                    "session_id",
                    "organization_id",
                    "start_time",
                    "end_time",
                    "is_active",
                    "last_activity",
                    "timezone",
                ),
                *("user_agent", "ip_address", "device_type", "browser", "platform", "adjusted", "last_sequence"),
                *("request_hash", "analytics_consent", "totals_revision", "completed_successfully"),
                *("title", "title_source", "is_pinned", "is_archived", "folder", "tags", "last_turn"),
                "expires_after_seconds",
            }
        ),
    ),
    Figures(
        UserProfile,
        "the first turn",
        {
            "total_sessions": ("sessions", NOTHING),
            "total_queries": ("turns", NOTHING),
            "total_tokens_used": ("tokens", NOTHING),
            "total_cost_usd": ("USD", UNPRICED),
            "first_session_date": ("a time", "sessions without turns"),
            "last_activity": ("a time", "sessions without turns"),
            "risk_score": ("0-100", "findings that are dismissed or forgotten", "the oldest finding that is kept"),
            "abuse_flags": ("rules", "findings that are dismissed or forgotten", "the oldest finding that is kept"),
        },
        frozenset(UserProfile.model_fields)
        - {*("total_sessions", "total_queries", "total_tokens_used", "total_cost_usd")}
        - {*("first_session_date", "last_activity", "risk_score", "abuse_flags")},
    ),
    Figures(
        Analytics, "the first day of the range", {}, frozenset({"period", "first_day", "last_day", "items", "total"})
    ),
    Figures(
        Totals,
        "the first day of the range",
        {
            "total_sessions": ("sessions", "those begun before the range"),
            "total_interactions": ("turns", NOTHING),
            "total_tokens": ("tokens", NOTHING),
            "total_cost_usd": ("USD", UNPRICED),
            "unpriced_interactions": ("turns", "turns that have a price"),
            "active_days": ("days", "days with sessions or bookmarks and no turns"),
            "avg_response_rating": ("stars", UNRATED),
        },
        frozenset({"sums"}),
    ),
    Figures(Recommendations, "the first turn", {}, frozenset({"as_of", "items"})),
    Figures(Recommendation, "the first turn", {}, frozenset({"rule", "text", "reason"})),
    Figures(
        Dashboard,
        "the first turn",
        {name: _TOTALS[name] for name in ("total_interactions", "total_tokens", "total_cost_usd")},
        frozenset(
            {
                "as_of",
                "learning_growth_metrics",
                "usage_insights",
                "interaction_quality",
                "personalized_suggestions",
            }
        ),
    ),
    Figures(
        LearningGrowth,
        "the first turn",
        {
            "total_sessions": ("sessions", NOTHING),
            "topics_explored": ("categories", BEYOND),
            "favorite_personality": ("a personality", NOTHING),
            "knowledge_progression": ("two levels", "what was understood; users of one week"),
            "progression_basis": ("numbers", "as `knowledge_progression`"),
        },
    ),
    Figures(
        UsageInsights,
        "the first turn",
        {
            "most_active_time": ("two hours", NOTHING),
            "avg_session_duration": ("minutes", _ENDED),
            "timed_sessions": ("sessions", _ENDED),
            "consistency_score": ("0-10", "users of less than a week", "Monday three weeks ago, or the first turn"),
            "deep_dive_topics": ("categories", "categories beyond the fifth"),
        },
    ),
    Figures(
        InteractionQuality,
        "the first turn",
        {
            "avg_rating": ("stars", UNRATED),
            "rated_interactions": ("turns", UNRATED),
            "bookmark_rate": ("share of turns", NOTHING),
            "share_rate": ("share of turns", NOTHING),
            "return_rate": ("share of sessions", NOTHING),
        },
    ),
    Figures(
        HighRiskUser,
        "the month's start",
        {
            "risk_score": ("0-100", "findings that are dismissed or forgotten", "the oldest finding that is kept"),
            "daily_query_count": ("turns", "other days"),
            "cost_impact_usd": ("USD", UNPRICED),
            "total_cost_usd": ("USD", UNPRICED, "the first turn"),
        },
        frozenset(HighRiskUser.model_fields) - {"risk_score", "daily_query_count", "cost_impact_usd", "total_cost_usd"},
    ),
    Figures(
        BusyUser,
        "the month's start, by the user's calendar",
        {
            "peak_queries": ("turns", "other days"),
            "busy_days": ("days", "days with fewer turns than were asked for"),
            "busy_queries": ("turns", "days with fewer turns than were asked for"),
            "busy_cost_usd": ("USD", f"days with fewer turns than were asked for; {UNPRICED}"),
            "risk_score": ("0-100", "findings that are dismissed or forgotten", "the oldest finding that is kept"),
        },
        frozenset({"user_id", "account_status", "peak_day", "risk_score_at", "red_flags"}),
    ),
    Figures(
        Insights,
        "the month's start, by UTC",
        {"high_risk_total": ("users", "accounts that score less than what flags them")},
        frozenset(Insights.model_fields) - {"high_risk_total"},
    ),
    Figures(
        PlatformHealth,
        "the month's start, by UTC",
        {
            **{name: figure for name, figure in _HEALTH.items() if name != "total_tokens"},
            "cost_per_interaction_without_flagged_usd": ("USD a turn", f"{UNPRICED}; {FLAGGED}"),
        },
        frozenset({"flagged", "reported"}),
    ),
    Figures(
        FlaggedUse,
        "the month's start, by UTC",
        {
            "accounts": ("users", "accounts that score less than what flags them"),
            "interactions": ("turns", "turns that users report"),
            "share_of_interactions": ("share of turns", "turns that users report"),
            "cost_usd": ("USD", UNPRICED),
            "share_of_cost": ("share of USD", UNPRICED),
            "cost_per_interaction_usd": ("USD a turn", UNPRICED),
        },
    ),
    Figures(
        CommonQuestion,
        "the month's start, by UTC",
        {
            "askers": ("users", f"{FLAGGED}; users beyond 300 pairs of user and day, who are one"),
            "frequency": ("turns", f"{FLAGGED}; a user's turns beyond the third on a day"),
            "ratings": ("turns", f"{FLAGGED}; {UNRATED}"),
            "avg_rating": ("stars", f"{FLAGGED}; {UNRATED}"),
        },
        frozenset({"question"}),
    ),
    Figures(
        Retention,
        "12 weeks before the month's end",
        {
            "day": ("days", NOTHING),
            "could_return": ("users", "users whose day to return has not passed everywhere"),
            "returned": ("users", "users who could not return yet"),
            "rate": ("share of users", "users who could not return yet"),
        },
    ),
    Figures(
        Cohort,
        "12 weeks before the month's end",
        {
            "users": ("users", NOTHING),
            "could_return": ("users", "users whose day to return has not passed everywhere"),
            "returned": ("users", "users who could not return yet"),
            "retention_rate": ("share of users", "users who could not return yet"),
        },
        frozenset({"week", "is_complete"}),
    ),
    Figures(
        FeatureAdoption,
        "the month's start, by each user's calendar",
        dict.fromkeys(("bookmarking", "multiple_personalities", "follow_up_questions"), _FEATURE),
    ),
    Figures(
        GrowthMetrics,
        "the month's start, by UTC",
        {
            "new_users_this_month": ("users", "users with sessions and no turns"),
            "total_users": ("users", "users with sessions and no turns", "the beginning"),
            "retention_rate": ("share of users", "users who could not return yet", "12 weeks before the month's end"),
        },
        frozenset({"retention", "cohorts", "feature_adoption"}),
    ),
    Figures(
        PlatformUse,
        "the first day of the range, by UTC",
        {},
        frozenset({"by", "first_day", "last_day", "items", "total"}),
    ),
    Figures(
        UsePeriod,
        "the period's start, by UTC",
        _USE | {"sessions": ("sessions", "those begun before the period")},
        frozenset({"period", "reported", "groups"}),
    ),
    Figures(Group, "the period's start, by UTC", _USE, frozenset({"value", "reported"})),
    Figures(
        ReportedUse,
        "the period's start, by UTC",
        {
            "interactions": ("turns", "turns that servers recorded"),
            "tokens": ("tokens", "turns that servers recorded"),
            "cost_usd": ("USD", f"turns that servers recorded; {UNPRICED}"),
            "unpriced_interactions": ("turns", "turns that servers recorded, or that have a price"),
        },
    ),
)


def rows() -> Iterator[str]:
    """The figures as rows of a table: which, definition, unit, what it leaves out, since when."""
    for figures in FIGURES:
        for name, (unit, left_out, *other) in figures.fields.items():
            definition = (figures.model.model_fields[name].description or "").replace("|", "\\|")
            since = other[0] if other else figures.since
            yield f"| `{figures.model.__name__}.{name}` | {definition} | {unit} | {left_out} | {since} |"
