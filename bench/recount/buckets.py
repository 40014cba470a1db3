"""What every bucket has to hold, counted from the source documents alone: no ledger, no differences, no order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from models.analytics import platform_sources as platform
from models.analytics.contribution import of_bookmark, of_interaction, of_session
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.pseudonyms import Pseudonyms
from models.core.values import MOST
from models.counted import BUCKETS
from models.counting.bucket import Balance, Bucket, Sums
from models.counting.bucket_document import BucketDocument
from models.counting.fold import PartitionedSource
from models.library.bookmark import bookmark_of

Item = dict[str, Any]
Place = tuple[str, Bucket]
"""A bucket, and the partition that it is in."""


def recount(items: Iterable[Item], pseudonyms: Pseudonyms, now: datetime) -> dict[Place, Sums]:
    """The sums that are not nothing, by place.

    Args:
        items: Turns, sessions and bookmarks, each in any of its revisions: the newest counts.
    """
    newest: dict[tuple[str, str], Item] = {}
    for item in sorted(items, key=lambda item: int(item["revision"])):
        newest[item["partition_key"], item["id"]] = item
    given = [placed for item in newest.values() for placed in _of_document(item, pseudonyms)]
    contexts = {bucket: source.context for _, source in given for bucket in source.contributions}
    balances = _added(given)
    while True:  # what is counted is counted again: a day in a week, a user in the platform
        documents = (
            BUCKETS.document_of(
                partition, bucket, held, 1, now, BUCKETS.kind_of(bucket).context(contexts.get(bucket), None)
            )
            for (partition, bucket), held in balances.items()
        )
        again = [placed for document in documents for placed in _of_bucket(document, pseudonyms)]
        following = _added([*given, *again])
        if following == balances:
            return {place: balance.sums for place, balance in balances.items() if balance.sums}
        balances = following


def differing(expected: Mapping[Place, Sums], stored: Mapping[Place, Sums]) -> list[Place]:
    """The places that don't hold what they have to."""
    return [
        place
        for place in expected.keys() | stored.keys()
        if not _same(expected.get(place, {}), {name: n for name, n in stored.get(place, {}).items() if n})
    ]


def stored(items: Iterable[Item]) -> dict[Place, Sums]:
    """What the documents that hold buckets hold."""
    return {
        (item["partition_key"], Bucket(item["analytics_period"], item["period_key"])): item["sums"] for item in items
    }


def _of_document(item: Item, pseudonyms: Pseudonyms) -> list[PartitionedSource]:
    if item["kind"] == "interaction":
        turn = UserInteraction.parse(item)
        return [(turn.user_id, of_interaction(turn)), platform.of_turn(turn, pseudonyms)]
    if item["kind"] == "session":
        session = UserSession.parse(item)
        return [(session.user_id, of_session(session)), platform.of_session(session, pseudonyms)]
    bookmark = bookmark_of(item)
    return [(bookmark.user_id, of_bookmark(bookmark))]


def _of_bucket(document: BucketDocument, pseudonyms: Pseudonyms) -> list[PartitionedSource]:
    placed: list[PartitionedSource | None] = []
    if isinstance(document, Rollup) and document.analytics_period == "daily":
        placed.append((document.user_id, document.as_source()))
        placed += platform.at_addresses(document, pseudonyms)
    elif isinstance(document, Rollup | Presence):
        placed.append(platform.of_user(document, pseudonyms))
    elif isinstance(document, PlatformRollup | UserGroup | Question):
        placed.append(platform.of_shard(document))
    return [one for one in placed if one is not None]


def _added(placed: Iterable[PartitionedSource]) -> dict[Place, Balance]:
    balances: dict[Place, Balance] = {}
    for partition, source in placed:
        for bucket, sums in source.contributions.items():
            held = balances.setdefault((partition, bucket), Balance())
            held.sums = {name: min(value, MOST) for name, value in (Counter(held.sums) + Counter(sums)).items()}
            held.first = min(filter(None, (held.first, source.first)), default=None)
            held.last = max(filter(None, (held.last, source.last)), default=None)
    return balances


def _same(left: Sums, right: Sums) -> bool:
    """Equal, but for dimensions with more values than are told apart: of these the total has to be equal."""
    full = {name.partition(":")[0] for name in (*left, *right) if name.endswith(":other")}
    return _collapsed(left, full) == _collapsed(right, full)


def _collapsed(sums: Sums, full: set[str]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, count in sums.items():
        dimension = name.partition(":")[0]
        total[dimension if dimension in full else name] += count
    return total
