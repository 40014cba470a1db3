"""Container `user_bookmarks`: what the user saved."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.document import Document
from models.values import Count, Label, Reference, Timestamp, Uuid


class UserBookmark(Document):
    """A turn that the user saved, with a copy of its texts: it outlives the turn."""

    container: ClassVar[str] = "user_bookmarks"

    id: Uuid
    partition_key: Uuid
    kind: Literal["bookmark"] = "bookmark"

    user_id: Uuid
    interaction_id: str = Field(description="The turn that was saved")

    bookmarked_at: Timestamp
    bookmark_title: str = Field(min_length=1, max_length=256)
    bookmark_tags: list[Label] = Field(default_factory=list, max_length=32)
    bookmark_notes: str | None = Field(default=None, max_length=8000)

    original_query: str
    bookmarked_response: str
    personality: str
    source_references: list[Reference] = Field(default_factory=list)

    bookmark_collection: Label | None = Field(default=None, description="The user's own collection")
    is_favorite: bool = False
    access_count: Count = Field(default=0, description="How often it was opened")
    last_accessed: Timestamp | None = None
