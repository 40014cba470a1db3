"""What people say of a thing, all together: its figures, its reviews, and whether these are helpful."""

from __future__ import annotations

from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from cosmos.library.reviews import ReviewOrder, Reviews
from functions.accounts.acting import acted_on
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.accounts.moderation import Reason
from models.core.document import Message
from models.core.errors import NotFound
from models.core.fields import shown_of
from models.core.values import Count
from models.library.actions import MODERATE_REVIEW, READ_REVIEWS, VOTE
from models.library.helpful_vote import HELPFUL_VOTE
from models.library.item import ItemId, ItemType
from models.library.review import PublicReview

routes = Routes()

_TYPE: TypeAdapter[str] = TypeAdapter(ItemType)
_ID: TypeAdapter[str] = TypeAdapter(ItemId)


class ItemStats(Message):
    """What all users say of a thing. Each user's latest rating counts, also that of somebody who has left."""

    item_type: ItemType
    item_id: ItemId
    avg_rating: float | None = Field(description="Mean of each user's latest rating, 1 to 5; null without one")
    rating_count: Count = Field(description="How many users rate it")
    ratings: dict[str, Count] = Field(description="How many users give how many stars")
    review_count: Count = Field(description="How many reviews others may read")
    favorite_count: Count = Field(description="How many users have it among their favourites")


class ReviewQuery(Paged):
    """In which order to list reviews: the newest first, or those that most found helpful."""

    order: ReviewOrder = "created_at"


class Visibility(Message):
    """Whether others may read a review."""

    hidden: bool
    reason: Reason


def item(call: Call[Any]) -> tuple[str, str]:
    """The thing that the path names.

    Raises:
        NotFound: there can be no such thing.
    """
    given = call.request.route_params
    try:
        return _TYPE.validate_python(given["item_type"]), _ID.validate_python(given["item_id"])
    except ValidationError:
        raise NotFound("item") from None


@routes.operation(
    "GET",
    "items/{item_type}/{item_id}/stats",
    summary="A thing's ratings and favourites",
    action=READ_REVIEWS,
    returns=ItemStats,
)
async def get_item_stats(call: Call[None]) -> ItemStats:
    item_type, item_id = item(call)
    tally = await call.store[Reviews].stats(item_type, item_id)
    sums = tally.sums if tally else {}
    return ItemStats(
        item_type=item_type,
        item_id=item_id,
        avg_rating=tally.avg_rating if tally else None,
        rating_count=tally.rating_count if tally else 0,
        ratings={str(stars): sums.get(f"rating:{stars}", 0) for stars in range(1, 6)},
        review_count=tally.review_count if tally else 0,
        favorite_count=tally.favorite_count if tally else 0,
    )


@routes.operation(
    "GET",
    "items/{item_type}/{item_id}/reviews",
    summary="A thing's reviews, the newest or the most helpful first",
    action=READ_REVIEWS,
    query=ReviewQuery,
    returns=Page[PublicReview],
)
async def list_reviews(call: Call[None]) -> Page[PublicReview]:
    query: ReviewQuery = call.query
    found, following = await call.store[Reviews].page(
        *item(call), query.order, query.limit, verified_continuation(call)
    )
    return Page(items=[PublicReview.of(review) for review in found], continuation=signed_continuation(call, following))


@routes.operation(
    "PUT",
    "reviews/{item_type}/{item_id}/{review_id:guid}/helpful",
    summary="Find a review helpful; said again, it counts once",
    action=VOTE,
    returns=HELPFUL_VOTE.shown,
    problems=("own-review",),
)
async def vote_helpful(call: Call[None]) -> Reply:
    profile = await writer(call)
    vote = await call.store[Reviews].vote(profile.id, *item(call), call.uuid("review_id"), call.now)
    return Reply(shown_of(vote, HELPFUL_VOTE.shown))


@routes.operation(
    "DELETE",
    "reviews/{item_type}/{item_id}/{review_id:guid}/helpful",
    summary="Take back that a review is helpful",
    action=VOTE,
    returns=None,
    status=204,
)
async def unvote_helpful(call: Call[None]) -> Reply:
    await call.store[Reviews].unvote((await writer(call)).id, call.uuid("review_id"), call.now)
    return Reply(None)


@routes.operation(
    "PUT",
    "admin/reviews/{item_type}/{item_id}/{review_id:guid}/visibility",
    summary="Take a review down, or show it again, for a reason",
    action=MODERATE_REVIEW,
    body=Visibility,
    returns=None,
    status=204,
    problems=("self-moderation", "outranked"),
)
async def set_review_visibility(call: Call[Visibility]) -> Reply:
    """Take a review down, or show it again.

    Its author still sees it, and that it is hidden. The thing's ratings stay as they are.
    """
    review_id, wanted = call.uuid("review_id"), call.body
    author, source_id = await call.store[Reviews].source_of(*item(call), review_id)
    _, entry = await acted_on(call, author, "hide_review" if wanted.hidden else "show_review", wanted.reason)
    await call.store[Reviews].set_hidden(source_id, wanted.hidden, entry)
    return Reply(None)
