"""What the documents have that clients make, edit, delete and restore."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field

from models.core.document import Document
from models.core.fields import SHOWN
from models.core.values import Timestamp, Uuid

SOFT_DELETE_DAYS = 30
SOFT_DELETE_SECONDS = SOFT_DELETE_DAYS * 86_400


class Resource(Document):
    """Base of the documents of declared kinds. The server keeps their times; a client's are refused.

    A deleted one stays for `SOFT_DELETE_DAYS`, can be restored until then, and counts and shows nowhere. Nothing but a
    restoration, an erasure, or making the same thing anew writes it: any other write would begin its time again.
    """

    id: Annotated[str, SHOWN] = Field(min_length=1, max_length=255, description="The document's id")
    revision: Annotated[int, SHOWN] = Field(
        default=1, ge=1, description="Counts its versions, from 1; in quotes, it is the ETag"
    )
    created_at: Annotated[Timestamp, SHOWN] = Field(description="When it was made")
    updated_at: Annotated[Timestamp, SHOWN] = Field(description="When it was last changed")
    deleted_at: Timestamp | None = Field(default=None, description="When it was deleted; null while it is there")
    request_hash: str | None = Field(
        default=None, description="Hash of the request that made it, to tell a repetition from a key that is used again"
    )
    first_made_at: Timestamp | None = Field(
        default=None, description="When the first one under its id was made, if that was deleted and this is anew"
    )
    mentions: list[Uuid] = Field(
        default_factory=list, max_length=100, description="The user_ids of those it names besides its owner"
    )

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def begun_at(self) -> datetime:
        """Since when its revisions count on. With it ledgers name it: once it has expired they begin again."""
        return self.first_made_at or self.created_at

    def deleted(self, now: datetime) -> Self:
        """Itself, deleted now."""
        return self._next(now, deleted_at=now, ttl=SOFT_DELETE_SECONDS)

    def restored(self, now: datetime, ttl: int | None = None) -> Self:
        """Itself, there again, and kept for `ttl` seconds."""
        return self._next(now, deleted_at=None, ttl=ttl)

    def restorable(self, now: datetime) -> bool:
        return self.deleted_at is not None and now - self.deleted_at < timedelta(days=SOFT_DELETE_DAYS)

    def changed(self, now: datetime, **values: object) -> Self:
        """Itself with other values, validated.

        Raises:
            pydantic.ValidationError: they don't fit.
        """
        return type(self).model_validate(dict(self) | values | {"revision": self.revision + 1, "updated_at": now})

    def over(self, earlier: Self) -> Self:
        """Itself, in the place of what was there under its id: the revision goes on."""
        times = {"created_at": earlier.created_at, "first_made_at": earlier.first_made_at}
        if earlier.is_deleted:
            times = {"created_at": self.created_at, "first_made_at": earlier.begun_at}
        return self.model_copy(update={"revision": earlier.revision + 1, **times})

    def _next(self, now: datetime, **values: object) -> Self:
        return self.model_copy(update=values | {"revision": self.revision + 1, "updated_at": now})
