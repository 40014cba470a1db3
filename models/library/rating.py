"""Container `user_bookmarks`: what users say of things: ratings, with or without a review."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from models.core.fields import EDITABLE, GIVEN, SHOWN, WORDS
from models.core.kinds import Kind, Names, Plain
from models.core.mirrors import Mirror
from models.core.resource import Resource
from models.core.values import Count, NotBlank, Uuid
from models.counting.bucket import Sums
from models.counting.fold import Source
from models.library.counting import counted_of_item
from models.library.item import ItemId, ItemType, Metadata
from models.library.review import review_of

Stars = Annotated[int, Field(ge=1, le=5)]
ReviewText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), NotBlank]


FeedbackType = Literal["comment", "suggestion", "rating"]


class Opinion(Resource):
    """What a user says of a thing, and whether others may read it: what ratings and feedback have in common."""

    container: ClassVar[str] = "user_bookmarks"

    partition_key: Uuid
    user_id: Annotated[Uuid, SHOWN] = Field(description="Whose it is; same as `partition_key`")
    item_type: Annotated[ItemType, GIVEN] = Field(description="What it is of, such as agent or document")
    item_id: Annotated[ItemId, GIVEN] = Field(description="The thing's id")
    is_public: Annotated[bool, EDITABLE] = Field(
        default=False, description="Whether others may read its text: it is a review of the thing then"
    )
    shows_name: Annotated[bool, EDITABLE] = Field(
        default=False, description="Whether the review gives the author's first name"
    )
    author_name: str | None = Field(default=None, description="The author's first name, when it was written")
    hidden_by_staff: Annotated[bool, SHOWN] = Field(
        default=False, description="Whether a moderator took the review down; its author still sees it"
    )
    helpful_revision: Count = Field(default=0, description="The revision of the count that the votes are from")

    @property
    def shown_name(self) -> str | None:
        return self.author_name if self.shows_name else None

    @property
    def is_read(self) -> bool:
        """Whether others may read what it says."""
        return self.is_public and not self.hidden_by_staff


class Rating(Opinion):
    """How a user rates a thing, from 1 to 5, with a review if they like: the latest of each user counts."""

    kind: Literal["rating"] = "rating"
    rating: Annotated[Stars, EDITABLE] = Field(description="From 1 to 5")
    review: Annotated[ReviewText | None, WORDS] = Field(default=None, description="What the user says of it")
    helpful_count: Annotated[Count, SHOWN] = Field(default=0, description="How many found the review helpful")
    metadata: Annotated[Metadata, EDITABLE] = Field(
        default_factory=dict, description="What the client notes besides; 4 kB at most"
    )


class ItemFeedback(Opinion):
    """A comment or a suggestion on a thing. Of these a user may make many; their ratings are of kind `rating`."""

    kind: Literal["feedback"] = "feedback"
    feedback_type: Annotated[FeedbackType, GIVEN] = Field(description="What it is")
    feedback_text: Annotated[ReviewText | None, WORDS] = Field(default=None, description="What the user says")
    rating: Annotated[Stars | None, EDITABLE] = Field(
        default=None, description="From 1 to 5; given with the feedback, it is the user's `rating` of the thing, too"
    )
    is_helpful_vote_count: Annotated[Count, SHOWN] = Field(default=0, description="How many found it helpful")


def _rated(rating: Rating, names: Names) -> list[tuple[str, Source]]:
    """The thing's ratings, as long as it is there; and its reviews, where it has a text that others may read."""
    sums: Sums = {}
    if not rating.is_deleted:
        sums = {f"rating:{rating.rating}": 1, "reviews": int(rating.review is not None and rating.is_read)}
    return [counted_of_item(rating, sums, names)]


def _commented(feedback: ItemFeedback, names: Names) -> list[tuple[str, Source]]:
    sums: Sums = {}
    if not feedback.is_deleted:
        sums = {"feedback": 1, "reviews": int(feedback.feedback_text is not None and feedback.is_read)}
    return [counted_of_item(feedback, sums, names)]


def _review_of_rating(rating: Rating, names: Names) -> list[Mirror]:
    return [review_of(rating, rating.review if rating.is_public else None, rating.shown_name, names)]


def _review_of_feedback(feedback: ItemFeedback, names: Names) -> list[Mirror]:
    return [review_of(feedback, feedback.feedback_text if feedback.is_public else None, feedback.shown_name, names)]


def _author(profile: Any) -> dict[str, Any]:
    return {"author_name": profile.given_name}


_KEPT = ("hidden_by_staff", "helpful_revision")

RATING = Kind(
    model=Rating,
    capability="library",
    plain=Plain(
        path="me/ratings",
        one="rating",
        many="ratings",
        key=("item_type", "item_id"),
        filters=("item_type",),
        example={"rating": 5, "review": "Patient, and never tells you the answer.", "is_public": True},
        of_profile=_author,
    ),
    counts=_rated,
    mirrors=_review_of_rating,
    kept=(*_KEPT, "helpful_count"),
    importable=True,
)

ITEM_FEEDBACK = Kind(
    model=ItemFeedback,
    capability="library",
    plain=Plain(
        path="me/feedback",
        one="feedback",
        many="feedback",
        verbs=frozenset({"list", "read", "edit", "delete", "restore"}),
        filters=("item_type", "item_id"),
        example={
            "item_type": "content_generation",
            "item_id": "lesson-42",
            "feedback_type": "suggestion",
            "feedback_text": "More examples from chemistry, please.",
        },
        changes={"feedback_text": "More examples from chemistry and physics, please."},
        of_profile=_author,
    ),
    counts=_commented,
    mirrors=_review_of_feedback,
    kept=(*_KEPT, "is_helpful_vote_count"),
    enumerations={"FeedbackType": FeedbackType},
    importable=True,
)
