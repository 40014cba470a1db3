"""Mirrors: what one partition's document shows in another.

A mirror is a pure function of one state of its source. Whoever writes it goes by the source's revision, so that late
and repeated changes of the source change nothing; nobody decides by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from models.core.document import Document
from models.core.values import Uuid


class MirrorDocument(Document):
    """Base of the documents that mirror another."""

    source_revision: int = Field(ge=1, description="The revision of the source that it shows")
    source_owner: Uuid = Field(description="The user_id of whose the source is")
    source_id: str = Field(description="The id of the source, in its owner's partition")
    mentions: list[Uuid] = Field(default_factory=list, description="The user_ids of those it names")


@dataclass(frozen=True)
class Mirror:
    """What is to be shown elsewhere of one state of a source.

    Attributes:
        container: Where.
        partition: Likewise.
        id: Likewise.
        body: The document; None where the source shows nothing there (any more).
        source_revision: The revision of that state.
        kept: Fields that others write, and that stay as they are.
    """

    container: str
    partition: str
    id: str
    body: dict[str, Any] | None
    source_revision: int
    kept: tuple[str, ...] = ()
