"""What analytics counts in: the declarations of its kinds of buckets, and of the documents that count in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from models.analytics import contribution
from models.analytics import platform_sources as platform
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.question import Question, QuestionContext
from models.analytics.rollup import BOUNDS, Rollup, day_source
from models.analytics.user_group import UserGroup
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.pseudonyms import PLATFORM, Pseudonyms
from models.counting.bucket import Bucket, UserPeriod
from models.counting.buckets import BucketKind
from models.counting.fold import PartitionedSource
from models.library.bookmark import DeletedBookmark, UserBookmark


def turn_counts(turn: UserInteraction, names: Pseudonyms) -> list[PartitionedSource]:
    """A turn: in the user's day, day of UTC and session, and in the platform's day and its question."""
    return [(turn.user_id, contribution.of_interaction(turn)), platform.of_turn(turn, names)]


def session_counts(session: UserSession, names: Pseudonyms) -> list[PartitionedSource]:
    """A session: in the user's day, and the platform's. The ledger keeps it as long as it keeps days: a session may be
    long."""
    return [(session.user_id, contribution.of_session(session)), platform.of_session(session, names)]


def bookmark_counts(bookmark: UserBookmark | DeletedBookmark, names: Pseudonyms) -> list[PartitionedSource]:
    """A bookmark, or what is left of one: in the user's day."""
    return [(bookmark.user_id, contribution.of_bookmark(bookmark))]


def _rollup_counts(rollup: Rollup, names: Pseudonyms) -> list[PartitionedSource]:
    if rollup.analytics_period == "daily":
        return [(rollup.user_id, rollup.as_source()), *platform.at_addresses(rollup, names)]
    return _user_counts(rollup, names)


def _user_counts(document: Rollup | Presence, names: Pseudonyms) -> list[PartitionedSource]:
    found = platform.of_user(document, names)
    return [found] if found else []


def _shard_counts(document: PlatformRollup | UserGroup | Question, names: Pseudonyms) -> list[PartitionedSource]:
    found = platform.of_shard(document)
    return [found] if found else []


def _question_context(told: Any, before: Question | None) -> QuestionContext:
    """A question keeps its text, also if all that changes is taken away."""
    if before is None:
        return QuestionContext(told)
    return QuestionContext(told or before.question, before.was_common)


def _question_held(item: Mapping[str, Any]) -> QuestionContext:
    text = item.get("question")
    return QuestionContext(text if isinstance(text, str) else None, was_common=True)


def _question_elsewhere(partition: str, bucket: Bucket, context: Any, names: Pseudonyms) -> str | None:
    """What the platform lacks, the shard that counts a question first knows."""
    if partition != PLATFORM or (context and context.text):
        return None
    return names.shard(bucket.key.partition(":")[2])


def _question_lacking(partition: str, question: Question, context: Any) -> tuple[str, ...]:
    """The platform is told of common questions only, so it knows their texts."""
    return ("question",) if partition == PLATFORM and question.frequency and not question.question else ()


ROLLUPS = BucketKind(
    model=Rollup,
    periods=get_args(UserPeriod),
    of=lambda partition, bucket, balance, revision, now, _: Rollup.of(partition, bucket, balance, revision, now),
    of_documents=frozenset({"session", "daily"}),
    bounds=BOUNDS,
    counts=_rollup_counts,
    at_once={"daily": day_source},
    told=platform.told,
    telling=platform.TELLING,
    reread={"monthly": Bucket("all_time")},
)
PRESENCES = BucketKind(
    model=Presence,
    periods=("presence",),
    of=lambda partition, bucket, balance, revision, now, _: Presence.of(partition, bucket, balance, revision),
    of_documents=frozenset({"presence"}),
    counts=_user_counts,
    told=platform.told,
    telling=platform.TELLING,
)
PLATFORM_ROLLUPS = BucketKind(
    model=PlatformRollup,
    periods=("utc_daily", "utc_monthly"),
    of=lambda partition, bucket, balance, revision, now, _: PlatformRollup.of(
        partition, bucket, balance, revision, now
    ),
    counts=_shard_counts,
    at_once={"utc_daily": platform.of_whole_day},
)
USER_GROUPS = BucketKind(
    model=UserGroup,
    periods=("cohort",),
    of=lambda partition, bucket, balance, revision, now, _: UserGroup.of(partition, bucket, balance, revision),
    counts=_shard_counts,
)
QUESTIONS = BucketKind(
    model=Question,
    periods=("question",),
    of=lambda partition, bucket, balance, revision, now, context: Question.of(
        partition, bucket, balance, revision, *(context or QuestionContext())
    ),
    counts=_shard_counts,
    context=_question_context,
    held=_question_held,
    elsewhere=_question_elsewhere,
    lacking=_question_lacking,
)
