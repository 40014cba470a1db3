"""Where each kind of stored document counts: for its user, and for the platform."""

from __future__ import annotations

from dataclasses import replace

from cosmos.core.containers import retention_seconds
from cosmos.core.database import Item
from models.analytics import platform_sources as platform
from models.analytics.contribution import of_bookmark, of_interaction, of_session
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.platform_sources import Placed
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.dates_in_text import in_one_form
from models.core.pseudonyms import Pseudonyms
from models.counting.buckets import parsed
from models.counting.fold import Source
from models.kinds import KINDS
from models.library.bookmark import bookmark_of

COUNTED_AGAIN = ("rollup", "presence", "platform_rollup", "user_group", "question")
"""Kinds of documents that hold buckets and are sources themselves."""


def has_counts(item: Item) -> bool:
    """Whether a stored document is of a kind that says by its declaration what it counts."""
    kind = KINDS.get(str(item.get("kind")))
    return kind is not None and kind.counts is not None


class Placing:
    """A document's sources, each with the partition that counts it.

    All of it raises pydantic.ValidationError for an item that is not valid.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    @property
    def platform(self) -> list[str]:
        """The platform's partitions, those first that count documents."""
        return self._pseudonyms.partitions

    def shard_of_question(self, question: str) -> str:
        """The partition that counts a question first, by its month and its name."""
        return self._pseudonyms.shard(question.partition(":")[2])

    def interaction(self, item: Item) -> list[Placed]:
        """A turn: in the user's day, day of UTC and session, and in the platform's day and its question."""
        turn = UserInteraction.parse(in_one_form(item))
        partition, source = platform.of_turn(turn, self._pseudonyms)
        return [(turn.user_id, _remembered(of_interaction(turn))), (partition, _remembered(source))]

    def session(self, item: Item) -> list[Placed]:
        """A session: in the user's day, and the platform's. The ledger keeps it as long as it keeps days: a session may
        be long."""
        session = UserSession.parse(in_one_form(item))
        return [(session.user_id, of_session(session)), platform.of_session(session, self._pseudonyms)]

    def bookmark(self, item: Item) -> list[Placed]:
        """A bookmark, or what is left of one: in the user's day."""
        bookmark = bookmark_of(in_one_form(item))
        return [(bookmark.user_id, of_bookmark(bookmark))]

    def declared(self, item: Item) -> list[Placed]:
        """What a document counts by the declaration of its kind."""
        kind = KINDS[item["kind"]]
        if kind.counts is None:
            return []
        return kind.counts(kind.model.parse(in_one_form(item)), self._pseudonyms)

    def counted(self, item: Item) -> list[Placed]:
        """A bucket that is a source itself: nowhere, if nothing is counted from it."""
        document = parsed(item)
        placed: list[Placed | None] = []
        if isinstance(document, Rollup) and document.analytics_period == "daily":
            placed.append((document.user_id, document.as_source()))
            placed += platform.at_addresses(document, self._pseudonyms)
        elif isinstance(document, Rollup | Presence):
            placed.append(platform.of_user(document, self._pseudonyms))
        elif isinstance(document, PlatformRollup | UserGroup | Question):
            placed.append(platform.of_shard(document))
        return [one for one in placed if one is not None]


def _remembered(source: Source) -> Source:
    """The ledger keeps a turn as long as turns are kept, also where its own retention was shortened: the rollups that
    count it stay, and a turn that is sent again later is not counted again."""
    return replace(source, ttl=retention_seconds(UserInteraction.container))
