"""What users' documents add to the platform: like `models.analytics.contribution`, but sharded, and without a name.

turns, sessions                          -> the day of UTC, and the question         (a shard)
a user's day of UTC, month and all time  -> active users, new users, cohort, growth  (a shard)
a shard's days, months, cohorts, growth  -> the platform's                           (partition `platform`)
a shard's questions that are common      -> the platform's                           (partition `platform`)
the platform's days                      -> its months                               (partition `platform`)
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.pseudonyms import PLATFORM, Pseudonyms
from models.analytics.question import Question
from models.analytics.reported import reported_measures
from models.analytics.response_times import counted
from models.analytics.rollup import Rollup
from models.analytics.user_group import WEEKS_FOLLOWED, UserGroup, weeks_between
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.counting.bucket import Bucket, Sums, by_count
from models.counting.fold import Source
from models.risk.text import normalised

Placed = tuple[str, Source]
"""A source, and the partition that counts it."""


def of_turn(turn: UserInteraction, pseudonyms: Pseudonyms) -> Placed:
    """A turn counts in its day of UTC and in its question, both in the question's shard.

    One without texts, or whose text is punctuation alone, has no question. One without its user's consent to analytics
    counts nowhere.
    """
    name = pseudonyms.source(turn.user_id, f"interaction:{turn.id}")
    shard, text = pseudonyms.shard(name), normalised(turn.user_query or "") or None
    contributions = {_day(turn.timestamp): _turn_measures(turn)}
    if text is not None:
        question = pseudonyms.question(text)
        shard = pseudonyms.shard(question)
        contributions[Bucket("question", question)] = _asked(turn, pseudonyms.asker(question, turn.user_id))
    if not turn.analytics_consent:
        contributions, text = {}, None
    return shard, Source(name, turn.revision, contributions, turn.timestamp, turn.timestamp, question=text)


def of_session(session: UserSession, pseudonyms: Pseudonyms) -> Placed:
    """A session counts in the day of UTC that it started, its duration once it has ended; nowhere without consent."""
    measures = {"sessions": 1}
    if session.duration_seconds is not None:
        measures |= {"ended_sessions": 1, "session_seconds": session.duration_seconds}
    name = pseudonyms.source(session.user_id, f"session:{session.session_id}")
    start = session.start_time
    contributions = {_day(start): measures} if session.analytics_consent else {}
    return pseudonyms.shard(name), Source(name, session.revision, contributions, start, start)


def of_presence(presence: Presence, pseudonyms: Pseudonyms) -> Placed:
    """A user with turns on a day of UTC is one of its active users."""
    contributions = {Bucket("utc_daily", presence.period_key): {"active_users": 1}} if presence.turns else {}
    return _of_counted(presence.partition_key, presence, contributions, pseudonyms)


def of_rollup(rollup: Rollup, pseudonyms: Pseudonyms) -> Placed | None:
    """What a user's month or all time says of the platform; None of other periods.

    A user with turns in a month of their own calendar is one of its active users. A user's first activity makes a new
    user of its day of UTC; the weeks with turns, a member of the cohort of the first of them.
    """
    contributions: dict[Bucket, Sums]
    if rollup.analytics_period == "monthly":
        contributions = {Bucket("utc_monthly", rollup.period_key): {"active_users": 1}}
    elif rollup.analytics_period == "all_time":
        contributions = {Bucket("growth"): _adoption(rollup.sums), **_cohort(rollup.sums)}
        if rollup.first_activity is not None:
            contributions[_day(rollup.first_activity)] = {"new_users": 1}
    else:
        return None
    active = rollup.total_interactions > 0
    return _of_counted(rollup.user_id, rollup, contributions if active else {}, pseudonyms)


def of_shard(document: PlatformRollup | UserGroup | Question) -> Placed | None:
    """What a shard counts, the platform counts in the same period; and what its days count, its months. Users who were
    active on two days of a month are not two active users of the month: those are counted by month.

    Of questions the platform counts those that are common, for as long as they are, and not who asked them.
    """
    text = None
    if isinstance(document, Question):
        if document.partition_key == PLATFORM or not document.was_common:
            return None
        text = document.question
        asked = {measure: value for measure, value in document.sums.items() if not measure.startswith("asker:")}
        contributions = {document.bucket: asked} if text is not None else {}
    elif document.partition_key != PLATFORM:
        contributions = {document.bucket: document.sums}
    elif document.analytics_period == "utc_daily":
        sums = {measure: value for measure, value in document.sums.items() if measure != "active_users"}
        contributions = {Bucket("utc_monthly", document.period_key[:7]): sums}
    else:
        return None
    first, last = document.first_activity, document.last_activity
    key = f"rollup:{document.id}"
    return PLATFORM, Source(key, document.revision, contributions, first, last, question=text)


def _day(moment: datetime) -> Bucket:
    return Bucket("utc_daily", moment.astimezone(UTC).date().isoformat())


def _of_counted(
    user_id: str, document: Presence | Rollup, contributions: dict[Bucket, Sums], pseudonyms: Pseudonyms
) -> Placed:
    """Of a user's times only the first is told: the latest would have every turn write what it does not change."""
    first = last = document.first_activity
    name = pseudonyms.source(user_id, document.bucket.name)
    return pseudonyms.shard(pseudonyms.source(user_id, "")), Source(name, document.revision, contributions, first, last)


def _asked(turn: UserInteraction, asker: str) -> Sums:
    rating = {} if turn.user_rating is None else {f"rating:{turn.user_rating}": 1}
    return {"asked": 1, f"asker:{asker}": 1} | rating


def _turn_measures(turn: UserInteraction) -> Sums:
    if turn.recorded_by == "user":
        return reported_measures(turn)
    measures = Counter(
        {
            "interactions": 1,
            "tokens": turn.total_tokens,
            "cost_nano_usd": turn.cost_nano_usd or 0,
            "unpriced": int(turn.cost_nano_usd is None),
            "response_time_ms": turn.response_time_ms,
            "timed": int(turn.response_time_ms > 0),
            "fallback": int(turn.response_quality == "fallback"),
            "flagged": int(turn.was_flagged),
            "bookmarked": int(turn.was_bookmarked),
            "shared": int(turn.was_shared),
            "follow_ups": int(turn.interaction_sequence == 2),
            "helpful": int(turn.was_helpful is True),
            "unhelpful": int(turn.was_helpful is False),
            **counted(turn.response_time_ms),
        }
    )
    if turn.user_rating is not None:
        measures[f"rating:{turn.user_rating}"] = 1
    for dimension, value in (
        ("model", turn.model_used),
        ("personality", turn.personality_used),
        ("category", turn.query_category),
        ("language", turn.user_query_language),
    ):
        measures[f"{dimension}:{value}"] = 1
        measures[f"{dimension}_tokens:{value}"] = turn.total_tokens
        measures[f"{dimension}_cost_nano_usd:{value}"] = turn.cost_nano_usd or 0
        measures[f"{dimension}_unpriced:{value}"] = int(turn.cost_nano_usd is None)
    return {measure: value for measure, value in measures.items() if value}


def _adoption(sums: Sums) -> Sums:
    """Which features a user has taken up; see `GrowthMetrics`."""
    adopted = {
        "bookmarking": bool(sums.get("bookmarks") or sums.get("bookmarked")),
        "multiple_personalities": len(by_count(sums, "personality")) >= 2,
        "follow_up_questions": bool(sums.get("follow_ups")),
    }
    return {"users": 1} | {feature: 1 for feature, is_adopted in adopted.items() if is_adopted}


def _cohort(sums: Sums) -> dict[Bucket, Sums]:
    """The cohort of the first week with turns, and in which weeks after it the user came back."""
    weeks = sorted(week for week in by_count(sums, "week") if week != "other")
    if not weeks:
        return {}
    offsets = (weeks_between(weeks[0], week) for week in weeks)
    active = {f"week:{offset}": 1 for offset in offsets if offset <= WEEKS_FOLLOWED}
    return {Bucket("cohort", weeks[0]): {"users": 1} | active}
