"""Container `user_bookmarks`: reviews of things, the votes for them, and what staff do about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from cosmos.core.database import Database, Item
from cosmos.core.paging import full_page_of
from cosmos.core.patching import set_totals_if_newer
from cosmos.core.reading import read_or_none
from cosmos.core.repository import Repository
from cosmos.core.swapping import swap
from models.accounts.audit import AuditEntry
from models.core.errors import NotFound, OwnReview
from models.core.kinds import Kind
from models.core.revisions import ANY_REVISION
from models.counting.bucket import Bucket, bucket_id
from models.counting.tally import Tally
from models.library.helpful_vote import HELPFUL_VOTE, HelpfulVote, vote_id_of
from models.library.item import item_partition
from models.library.rating import ITEM_FEEDBACK, RATING, ItemFeedback, Rating
from models.library.review import Review

REVIEWED: dict[str, Kind[Any]] = {RATING.name: RATING, ITEM_FEEDBACK.name: ITEM_FEEDBACK}
"""Kinds of which reviews are shown, by name."""

COUNTS = {"rating": "helpful_count", "feedback": "is_helpful_vote_count"}
"""The field that shows the votes, by the kind of what is reviewed."""

ReviewOrder = Literal["created_at", "helpful_count"]


class Reviews:
    """Reads reviews, takes votes for them, and takes them down."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_bookmarks
        self._analytics = database.user_analytics
        self._users = database.users
        self._votes: Repository[HelpfulVote] = Repository(database, HELPFUL_VOTE)

    async def stats(self, item_type: str, item_id: str) -> Tally | None:
        """What is counted of a thing, by one point read; None if nothing is."""
        partition = item_partition(item_type, item_id)
        item = await read_or_none(self._analytics, bucket_id(partition, Bucket("item")), partition)
        return Tally.parse(item) if item else None

    async def page(
        self, item_type: str, item_id: str, order: ReviewOrder, limit: int, continuation: str | None
    ) -> tuple[list[Review], str | None]:
        """One page of a thing's reviews, the newest or the most helpful first."""
        query = f'SELECT * FROM c WHERE c.kind = "review" AND NOT c.is_hidden ORDER BY c.{order} DESC'  # noqa: S608  # names of fields
        partition = item_partition(item_type, item_id)
        rows, following = await full_page_of(self._container, query, {}, limit, continuation, partition)
        return [Review.parse(row) for row in rows], following

    async def vote(self, user_id: str, item_type: str, item_id: str, review_id: str, now: datetime) -> HelpfulVote:
        """Counts a user's vote for a review, once however often it is given.

        Raises:
            NotFound: there is no such review.
            OwnReview: it is the user's own.
        """
        review = await self._review(item_type, item_id, review_id)
        if review.is_hidden:
            raise NotFound("review")
        if review.source_owner == user_id:
            raise OwnReview
        vote = HelpfulVote(
            id=vote_id_of(review_id),
            partition_key=user_id,
            user_id=user_id,
            target_id=review_id,
            target_owner_id=review.source_owner,
            item_type=item_type,
            item_id=item_id,
            created_at=now,
            updated_at=now,
            mentions=[review.source_owner],
        )
        return await self._votes.put(vote)

    async def rate(self, feedback: ItemFeedback) -> None:
        """Makes the rating that was given with feedback its user's rating of the thing; the review stays. A later
        rating stays, too: the feedback may be sent again."""
        item_id = RATING.id_of(feedback.user_id, {"item_type": feedback.item_type, "item_id": feedback.item_id})

        def rated(held: Item | None) -> Item | None:
            known = Rating.parse(held) if held else None
            if known is None or known.is_deleted:
                made = _rating_of(feedback, item_id)
                return (made.over(known) if known else made).body()
            if known.updated_at >= feedback.created_at:
                return None
            return known.changed(feedback.created_at, rating=feedback.rating).body()

        await swap(self._container, item_id, feedback.user_id, rated)

    async def unvote(self, user_id: str, review_id: str, now: datetime) -> None:
        """Takes a vote back.

        Raises:
            NotFound: the user has given none.
        """
        await self._votes.delete(user_id, vote_id_of(review_id), ANY_REVISION, now)

    async def set_hidden(self, source_id: str, hidden: bool, entry: AuditEntry) -> None:
        """Takes a review down, or shows it again, at its source: the mirror follows by the change feed.

        The entry is durable before anything is written.

        Raises:
            NotFound: there is no such rating or feedback.
        """
        await self._users.create_item(entry.body())

        def changed(held: Item | None) -> Item | None:
            if held is None or held["kind"] not in COUNTS or held.get("deleted_at"):
                raise NotFound("review")
            if held["hidden_by_staff"] == hidden:
                return None
            document = REVIEWED[held["kind"]].model.parse(held)
            return document.changed(entry.audited_at, hidden_by_staff=hidden).body()  # type: ignore[no-any-return]

        await swap(self._container, source_id, entry.user_id, changed)

    async def source_of(self, item_type: str, item_id: str, review_id: str) -> tuple[str, str]:
        """Whose a review is, and the id of what it mirrors.

        Raises:
            NotFound: there is no such review.
        """
        review = await self._review(item_type, item_id, review_id)
        return review.source_owner, review.source_id

    async def set_helpful(self, items: Iterable[Item], now: datetime) -> None:
        """Brings the votes that tallies count to the reviews, and to what these mirror. May be repeated.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        for item in items:
            if item.get("kind") == "tally" and item["analytics_period"] == "review":
                await self._set_helpful(Tally.parse(item))

    async def _set_helpful(self, tally: Tally) -> None:
        held = await read_or_none(self._container, tally.period_key, tally.partition_key)
        if held is None or held["kind"] != "review":
            return
        review, counter = Review.parse(held), "helpful_revision"

        async def bring(item_id: str, partition: str, field: str, condition: str) -> None:
            totals: dict[str, Any] = {field: tally.helpful_count}
            await set_totals_if_newer(self._container, item_id, partition, totals, tally.revision, counter, condition)

        await bring(review.id, review.partition_key, "helpful_count", 'c.kind = "review"')
        condition = f'c.kind = "{review.source_kind}" AND IS_NULL(c.deleted_at)'
        await bring(review.source_id, review.source_owner, COUNTS[review.source_kind], condition)

    async def _review(self, item_type: str, item_id: str, review_id: str) -> Review:
        item = await read_or_none(self._container, review_id, item_partition(item_type, item_id))
        if item is None or item["kind"] != "review":
            raise NotFound("review")
        return Review.parse(item)


def _rating_of(feedback: ItemFeedback, item_id: str) -> Rating:
    taken = {"partition_key", "user_id", "item_type", "item_id", "rating", "author_name", "created_at"}
    return Rating(id=item_id, updated_at=feedback.created_at, **feedback.model_dump(include=taken))
