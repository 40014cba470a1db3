"""Container `user_bookmarks`: that a user found a review helpful."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.core.fields import SHOWN
from models.core.kinds import Kind, Mentioned, Names
from models.core.resource import Resource
from models.core.values import Uuid
from models.counting.bucket import Bucket, Sums
from models.counting.fold import Source
from models.library.counting import NEVER
from models.library.item import ItemId, ItemType, item_partition


class HelpfulVote(Resource):
    """A user's vote for a review: one for each user and review, and none for one's own."""

    container: ClassVar[str] = "user_bookmarks"

    partition_key: Uuid
    kind: Literal["helpful_vote"] = "helpful_vote"
    user_id: Annotated[Uuid, SHOWN] = Field(description="Whose vote it is; same as `partition_key`")
    target_id: Annotated[Uuid, SHOWN] = Field(description="The review")
    target_owner_id: Uuid = Field(description="The user_id of the review's author")
    item_type: Annotated[ItemType, SHOWN] = Field(description="What the review is of")
    item_id: Annotated[ItemId, SHOWN] = Field(description="The thing's id")


def vote_id_of(review_id: str) -> str:
    return f"vote-{review_id}"


def _counts(vote: HelpfulVote, names: Names) -> list[tuple[str, Source]]:
    """The review's votes, in the partition of its thing."""
    contributions: dict[Bucket, Sums] = {} if vote.is_deleted else {Bucket("review", vote.target_id): {"helpful": 1}}
    key = names.named("opinion", vote.user_id, vote.id, vote.begun_at.isoformat())
    source = Source(f"helpful_vote:{key}", vote.revision, contributions, ttl=NEVER)
    return [(item_partition(vote.item_type, vote.item_id), source)]


HELPFUL_VOTE = Kind(
    model=HelpfulVote,
    capability="library",
    counts=_counts,
    mentioned=Mentioned.DELETED,
    told=("item_type", "item_id", "target_id", "created_at"),
    withheld=("target_owner_id", "mentions"),
)
