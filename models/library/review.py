"""Container `user_bookmarks`, in the partition of a thing: what others may read of its users' opinions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast
from uuid import UUID

from pydantic import Field

from models.core.document import Message
from models.core.kinds import Kind, Mentioned, Names, Owner
from models.core.mirrors import Mirror, MirrorDocument
from models.core.resource import Resource
from models.core.values import Count, Timestamp, Uuid
from models.library.item import ItemId, ItemType, item_partition


class Review(MirrorDocument):
    """A review as others read it: a mirror of the rating or feedback that its author keeps."""

    container: ClassVar[str] = "user_bookmarks"

    id: Uuid = Field(description="Leads back to nobody")
    kind: Literal["review"] = "review"
    source_kind: Literal["rating", "feedback"] = Field(description="What it mirrors")
    item_type: ItemType = Field(description="What it is of")
    item_id: ItemId = Field(description="The thing's id")
    rating: int | None = Field(default=None, ge=1, le=5, description="From 1 to 5")
    review: str = Field(description="What its author says")
    author_name: str | None = Field(default=None, description="Their first name; null unless they allow it")
    created_at: Timestamp = Field(description="When it was written")
    is_hidden: bool = Field(default=False, description="Whether staff took it down: nobody is shown it")
    helpful_count: Count = Field(default=0, description="How many found it helpful")
    helpful_revision: Count = Field(default=0, description="The revision of the count that it is from")


class PublicReview(Message):
    """A review of a thing. It does not say whose it is."""

    id: Uuid
    item_type: ItemType
    item_id: ItemId
    rating: int | None = Field(ge=1, le=5, description="From 1 to 5; null where none was given")
    review: str = Field(description="What its author says")
    author_name: str | None = Field(description="Their first name; null unless they allow it")
    created_at: Timestamp = Field(description="When it was written")
    helpful_count: Count = Field(description="How many found it helpful")

    @classmethod
    def of(cls, review: Review) -> PublicReview:
        return cls(**review.model_dump(include=set(cls.model_fields)))


REVIEW = Kind(
    model=Review,
    capability="library",
    owner=Owner.ITEM,
    mentioned=Mentioned.DELETED,
    told=("item_type", "item_id", "rating", "review", "author_name", "created_at", "helpful_count"),
)


def review_id_of(user_id: str, source_id: str, names: Names) -> str:
    """The id of the review that mirrors a user's document."""
    return str(UUID(hex=names.named("review", user_id, source_id)))


def review_of(opinion: Resource, text: str | None, author: str | None, names: Names) -> Mirror:
    """What others read of an opinion in its thing's partition; nothing without a text that they may read.

    Args:
        opinion: A rating or feedback.
        text: What others may read of it.
        author: The name that they may read.
    """
    about = opinion.model_dump(include={"item_type", "item_id", "user_id", "rating", "hidden_by_staff"})
    partition = item_partition(about["item_type"], about["item_id"])
    review_id = review_id_of(about["user_id"], opinion.id, names)
    body: dict[str, Any] | None = None
    if text is not None and not opinion.is_deleted:
        body = Review(
            id=review_id,
            partition_key=partition,
            revision=opinion.revision,
            source_kind=cast(Any, opinion.kind),
            source_revision=opinion.revision,
            source_owner=about["user_id"],
            source_id=opinion.id,
            mentions=[about["user_id"]],
            item_type=about["item_type"],
            item_id=about["item_id"],
            rating=about["rating"],
            review=text,
            author_name=author,
            created_at=opinion.created_at,
            is_hidden=about["hidden_by_staff"],
        ).body()
    kept = ("helpful_count", "helpful_revision")
    return Mirror("user_bookmarks", partition, review_id, body, opinion.revision, kept)
