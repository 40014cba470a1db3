"""What users' documents add to the platform: like `models.analytics.contribution`, but sharded, and without a name.

turns, sessions                          -> the day of UTC, the month's question             (a shard)
a user's day of UTC, month and all time  -> active users and features, new users, cohort     (a shard)
a shard's days, months, cohorts          -> the platform's                                   (partition `platform`)
a shard's questions that are common      -> the platform's                                   (partition `platform`)
the platform's days                      -> its months                                       (partition `platform`)
a user's own day                         -> the addresses at which they were busy            (the address's shard)
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from models.analytics.contribution import deep_dives
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.reported import reported_measures
from models.analytics.response_times import counted
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup, returns
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.calendar import day_of
from models.core.pseudonyms import PLATFORM, Pseudonyms
from models.counting.bucket import Balance, Bucket, Sums, bucket_id, by_count
from models.counting.fold import PartitionedSource, Source
from models.risk.text import normalised
from models.risk.together import addresses, contribution

TELLING = frozenset({"session", "presence", "monthly", "all_time"})
"""Periods of a user's buckets of which others count what is `told`."""


def of_turn(turn: UserInteraction, pseudonyms: Pseudonyms) -> PartitionedSource:
    """A turn counts in its day of UTC and in its question of that month, both in the question's shard.

    One without texts, or whose text is punctuation alone, has no question. One without its user's consent to analytics
    counts nowhere.
    """
    name = pseudonyms.source(turn.user_id, f"interaction:{turn.id}")
    shard, text = pseudonyms.shard(name), normalised(turn.user_query or "") or None
    contributions = {_day(turn.timestamp): _turn_measures(turn)}
    if text is not None:
        question = pseudonyms.question(text)
        shard = pseudonyms.shard(question)
        contributions[question_bucket(turn.timestamp, question)] = _asked(turn, pseudonyms)
    if not turn.analytics_consent:
        contributions, text = {}, None
    return shard, Source(name, turn.revision, contributions, turn.timestamp, turn.timestamp, context=text)


def of_session(session: UserSession, pseudonyms: Pseudonyms) -> PartitionedSource:
    """A session counts in the day of UTC that it started, its duration once it has ended; nowhere without consent."""
    measures = {"sessions": 1}
    if session.duration_seconds is not None:
        measures |= {"ended_sessions": 1, "session_seconds": session.duration_seconds}
    name = pseudonyms.source(session.user_id, f"session:{session.session_id}")
    contributions = {_day(session.start_time): measures} if session.analytics_consent else {}
    return pseudonyms.shard(name), Source(name, session.revision, contributions)


def told(document: Rollup | Presence) -> dict[Bucket, Sums]:
    """What others count of a user's bucket, besides the day's, which its week, month and all time count.

    A user with turns on a day of UTC, or in a month of their own calendar, is one of its active users; the month counts
    which features they used in it. A user's first turn makes a new user of its day of UTC; the days from the first to
    the last with turns, a member of the cohort of the first of them. A session counts its deep dives in the user's day.
    """
    if isinstance(document, Presence):
        return {Bucket("utc_daily", document.period_key): {"active_users": 1}} if document.turns else {}
    if not document.total_interactions:
        return {}
    if document.analytics_period == "session":
        return deep_dives(document.sums, document.first_activity, document.timezone)
    if document.analytics_period == "monthly":
        return {Bucket("utc_monthly", document.period_key): {"active_users": 1} | _features(document.sums)}
    first, last = document.first_activity, document.last_activity
    if document.analytics_period != "all_time" or first is None or last is None:
        return {}
    began, ended = (day_of(moment, document.timezone) for moment in (first, last))
    return {_day(first): {"new_users": 1}, Bucket("cohort", began.isoformat()): {"users": 1} | returns(began, ended)}


def of_user(document: Rollup | Presence, pseudonyms: Pseudonyms) -> PartitionedSource | None:
    """A user's bucket as a source of what is `told` of it; None of what has never told anything.

    It tells no times: turns do, where they count themselves.
    """
    contributions = told(document)
    if document.analytics_period not in TELLING or not (contributions or document.told_revision):
        return None
    revision = document.told_revision or document.revision
    if document.analytics_period == "session":
        return document.partition_key, Source(f"rollup:{document.id}", revision, contributions)
    name = pseudonyms.source(document.partition_key, document.bucket.name)
    return pseudonyms.shard(pseudonyms.source(document.partition_key, "")), Source(name, revision, contributions)


def at_addresses(day: Rollup, pseudonyms: Pseudonyms) -> list[PartitionedSource]:
    """A user's day counts at each address at which they were busy, in the address's shard.

    What is withdrawn from a day later stays with the address: else who withdraws in time were never seen there.
    """
    placed = []
    for address in sorted(addresses(day.sums)):
        bucket = Bucket("address_day", f"{day.period_key}@{address}")
        sums = contribution(pseudonyms.account(bucket.key, day.user_id), address, day.sums)
        name = pseudonyms.source(day.user_id, bucket.name)
        placed.append(
            (pseudonyms.shard(pseudonyms.source("", bucket.name)), Source(name, day.revision, {bucket: sums}))
        )
    return placed


def of_shard(document: PlatformRollup | UserGroup | Question) -> PartitionedSource | None:
    """What a shard counts, the platform counts in the same period; and what its days count, its months. Users who were
    active on two days of a month are not two active users of the month: those are counted by month.

    Of questions the platform counts those that are common, for as long as they are, and not who asked them.
    """
    text = None
    if isinstance(document, Question):
        if document.partition_key == PLATFORM or not document.was_common:
            return None
        text = document.question
        contributions = {document.bucket: document.anonymous} if text is not None else {}
    elif document.partition_key != PLATFORM:
        contributions = {document.bucket: document.sums}
    else:
        counted = document.analytics_period == "utc_daily"
        day = of_whole_day(PLATFORM, document.bucket, document.revision, document.balance) if counted else None
        return (PLATFORM, day) if day else None
    first, last = document.first_activity, document.last_activity
    key = f"rollup:{document.id}"
    return PLATFORM, Source(key, document.revision, contributions, first, last, context=text)


def of_whole_day(partition: str, day: Bucket, revision: int, balance: Balance) -> Source | None:
    """A day of the whole platform counts in its month; a shard's, in the platform's day alone."""
    if partition != PLATFORM:
        return None
    sums = {measure: value for measure, value in balance.sums.items() if measure != "active_users"}
    month = Bucket("utc_monthly", day.key[:7])
    return Source(f"rollup:{bucket_id(PLATFORM, day)}", revision, {month: sums}, balance.first, balance.last)


def _day(moment: datetime) -> Bucket:
    return Bucket("utc_daily", moment.astimezone(UTC).date().isoformat())


def question_bucket(moment: datetime, question: str) -> Bucket:
    """A question, by its pseudonym, in a month of UTC."""
    return Bucket("question", f"{moment.astimezone(UTC):%Y-%m}:{question}")


def _asked(turn: UserInteraction, pseudonyms: Pseudonyms) -> Sums:
    """Who asked on which day, and how they rated the answer: so that an account can be left out."""
    key = question_bucket(turn.timestamp, pseudonyms.question(normalised(turn.user_query or ""))).key
    asker, day = pseudonyms.asker(key, turn.user_id), turn.timestamp.astimezone(UTC).day
    rating = {} if turn.user_rating is None else {f"stars:{turn.user_rating}/{asker}": 1}
    return {"asked": 1, f"asker:{asker}/{day:02}": 1} | rating


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


def _features(sums: Sums) -> Sums:
    """Which features a user has used in a month; see `FeatureAdoption`."""
    used = {
        "bookmarking": bool(sums.get("bookmarks")),
        "multiple_personalities": len(by_count(sums, "personality")) >= 2,
        "follow_up_questions": bool(sums.get("follow_ups")),
    }
    return {f"feature:{feature}": 1 for feature, is_used in used.items() if is_used}
