"""Which document holds which bucket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.analytics.platform_rollup import PlatformRollup
from models.analytics.platform_sources import TELLING, told
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.counting.bucket import Balance, Bucket
from models.counting.bucket_document import Counted
from models.counting.tally import Tally
from models.risk.address_day import AddressDay

KINDS: dict[str, type[Counted]] = {
    str(model.model_fields["kind"].default): model
    for model in (Rollup, Presence, PlatformRollup, UserGroup, Question, AddressDay, Tally)
}
"""The models of documents that hold buckets, by kind."""


def parsed(item: dict[str, Any]) -> Counted:
    """The document that holds a bucket, as Cosmos DB returned it.

    Raises:
        KeyError: it is of a kind that holds none.
        pydantic.ValidationError: it is not valid.
    """
    return KINDS[item["kind"]].parse(item)


def following(document: Counted, before: Counted | None) -> Counted:
    """The document with the revision at which it last told something new, given the one that it takes the place of.

    What is counted of most buckets rarely changes with them: a user is new once, and active once a month. So whoever
    counts it need not be written to.
    """
    if not isinstance(document, Rollup | Presence) or document.analytics_period not in TELLING:
        return document
    if isinstance(before, Rollup | Presence):
        is_same, since = told(before) == told(document), before.told_revision
    else:
        is_same, since = not told(document), 0
    return document.model_copy(update={"told_revision": since if is_same else document.revision})


def told_anew(document: Counted) -> Counted:
    """The document, telling again whatever it tells: of one that takes the place of a wrong one."""
    if document.analytics_period not in TELLING:
        return document
    return document.model_copy(update={"told_revision": document.revision})


def document_of(
    partition: str,
    bucket: Bucket,
    balance: Balance,
    revision: int,
    now: datetime,
    question: str | None = None,
    was_common: bool = False,
) -> Counted:
    """The document that says what a bucket holds.

    Args:
        partition: A user's id, or one of the platform's partitions.
        question: Normalised text of the question that the bucket counts, where it is known.
        was_common: Whether that text has been kept before.

    Raises:
        pydantic.ValidationError: the balance can't be, as one below zero.
    """
    match bucket.period:
        case "address_day":
            return AddressDay.of(partition, bucket, balance, revision)
        case "presence":
            return Presence.of(partition, bucket, balance, revision)
        case "question":
            return Question.of(partition, bucket, balance, revision, question, was_common)
        case "utc_daily" | "utc_monthly":
            return PlatformRollup.of(partition, bucket, balance, revision, now)
        case "item" | "review":
            return Tally.of(partition, bucket, balance, revision)
        case "cohort":
            return UserGroup.of(partition, bucket, balance, revision)
        case _:
            return Rollup.of(partition, bucket, balance, revision, now)
