"""Container `user_bookmarks`: what the user saved."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.chat.interaction import UserInteraction
from models.chat.titles import title_of
from models.core.document import Document
from models.core.values import Count, Label, NotBlank, Reference, Timestamp, TimeZone, Uuid

_BOOKMARKS = uuid.UUID("c3a1f0de-8d3b-5a7e-9a55-76696d617273")
REPEATABLE_SECONDS = 30 * 24 * 3600


def _without_repetition(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256), NotBlank]
Tags = Annotated[list[Label], Field(max_length=32), AfterValidator(_without_repetition)]
Notes = Annotated[str, StringConstraints(max_length=8000)]


def bookmark_id_of(user_id: str, interaction_id: str) -> str:
    """The bookmark's id: a UUIDv5 of the user and the turn, so that a turn that is saved twice is saved once."""
    return str(uuid.uuid5(_BOOKMARKS, f"{user_id}/{interaction_id}"))


def _title(turn: UserInteraction) -> str:
    """From the question; of a turn without texts, who was asked about what, and when."""
    if turn.user_query is None:
        return f"{turn.personality_used} on {turn.query_category}, {turn.timestamp:%Y-%m-%d}"
    return title_of(turn.user_query)


class UserBookmark(Document):
    """A turn that the user saved, with a copy of its texts: it outlives the turn.

    `revision` is also the ETag of the bookmark: saving and editing count it, opening does not.
    """

    container: ClassVar[str] = "user_bookmarks"

    id: Uuid = Field(description="UUIDv5 of the user and the turn: a turn that is saved twice is saved once")
    partition_key: Uuid
    kind: Literal["bookmark"] = "bookmark"

    user_id: Uuid = Field(description="Whose it is; same as `partition_key`")
    interaction_id: str = Field(description="The turn that was saved")
    session_id: Uuid = Field(description="The session of that turn")

    bookmarked_at: Timestamp = Field(description="When it was saved, and again if it was deleted since")
    timezone: TimeZone = Field(default="UTC", description="IANA time zone in which the day of saving counts")
    bookmark_title: Title = Field(description="As the user calls it; else the beginning of the question")
    bookmark_tags: Tags = Field(default_factory=list, description="The user's own tags")
    bookmark_notes: Notes | None = Field(default=None, description="The user's own notes")

    original_query: str | None = Field(
        description="Copy of the question; null without `text_storage_consent`, or if its text is not stored"
    )
    bookmarked_response: str | None = Field(description="Copy of the answer; null under the same conditions")
    personality: str = Field(description="Who answered: the turn's `personality_used`")
    source_references: list[Reference] = Field(default_factory=list, description="The turn's `source_references`")

    bookmark_collection: Label | None = Field(default=None, description="The user's own collection")
    is_favorite: bool = Field(default=False, description="Whether the user marked it")
    analytics_consent: bool = Field(
        default=True, description="Its user's consent to analytics when it was saved; without, it counts in no rollup"
    )
    access_count: Count = Field(default=0, description="How often it was opened")
    last_accessed: Timestamp | None = Field(default=None, description="When it was last opened")

    @classmethod
    def of(
        cls, turn: UserInteraction, now: datetime, title: str | None = None, texts: bool = True, **kept: Any
    ) -> UserBookmark:
        """The bookmark of a turn that its user saves at `now`. Without a title it gets one from what is stored of it.

        Args:
            texts: Whether it may have a copy of the turn's texts.
            kept: What the user says of it: tags, notes, collection, favourite.
        """
        if not texts:
            turn = turn.model_copy(update={"user_query": None, "response_text": None})
        return cls(
            id=bookmark_id_of(turn.user_id, turn.id),
            partition_key=turn.user_id,
            user_id=turn.user_id,
            interaction_id=turn.id,
            session_id=turn.session_id,
            bookmarked_at=now,
            timezone=turn.timezone,
            bookmark_title=title or _title(turn),
            original_query=turn.user_query,
            bookmarked_response=turn.response_text,
            personality=turn.personality_used,
            source_references=turn.source_references,
            **kept,
        )


class DeletedBookmark(Document):
    """What is left of a bookmark that was deleted: no texts.

    The change feed does not tell of deletions, so a reader of it learns from this that the bookmark no longer counts.
    It goes on counting revisions, also if the same turn is saved again.
    """

    container: ClassVar[str] = "user_bookmarks"

    id: Uuid = Field(description="As the bookmark's")
    partition_key: Uuid
    kind: Literal["deleted_bookmark"] = "deleted_bookmark"
    user_id: Uuid = Field(description="Whose it was; same as `partition_key`")
    interaction_id: str = Field(description="The turn that was saved")
    bookmarked_at: Timestamp = Field(description="When it was saved")
    deleted_at: Timestamp = Field(description="When it was deleted")

    @classmethod
    def of(cls, bookmark: UserBookmark, now: datetime) -> DeletedBookmark:
        return cls(
            id=bookmark.id,
            partition_key=bookmark.partition_key,
            revision=bookmark.revision + 1,
            user_id=bookmark.user_id,
            interaction_id=bookmark.interaction_id,
            bookmarked_at=bookmark.bookmarked_at,
            deleted_at=now,
        )


def bookmark_of(item: dict[str, Any]) -> UserBookmark | DeletedBookmark:
    """A bookmark, or what is left of one, as Cosmos DB returned it.

    Raises:
        pydantic.ValidationError: the item is neither.
    """
    return DeletedBookmark.parse(item) if item.get("kind") == "deleted_bookmark" else UserBookmark.parse(item)


class BookmarkRequest(Document):
    """Says which request an idempotency key was used for, for `REPEATABLE_SECONDS`."""

    container: ClassVar[str] = "user_bookmarks"

    id: Uuid = Field(description="UUIDv5 of the user and the Idempotency-Key")
    partition_key: Uuid
    kind: Literal["bookmark_request"] = "bookmark_request"
    ttl: int | None = REPEATABLE_SECONDS
    request_hash: str = Field(description="Hash of the request, to tell a repetition from a reuse")
