"""What stands in the place of a document of a user who is erased.

A tombstone stands under the id of a document that every writer goes by, in its place: the profile, the allowance that
each turn is counted in, the risk window that each fold reads. So whoever would write finds it in the same request, and
nothing has to be asked besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from models.core.document import Document
from models.core.values import Timestamp, Uuid

TOMBSTONE = "tombstone"

FOR_EVER = -1
"""As a `ttl`: whatever the container's own retention is."""


class Tombstone(Document):
    """Stands for a document of a user who is erased, under its id, and is kept. It holds nothing of theirs but the id
    of the account, a hash of Entra ID's `tid` and `oid`: it leads nobody to a person, and whoever knows a person's two
    can tell that they had an account, and when it was erased."""

    partition_key: Uuid
    kind: Literal["tombstone"] = "tombstone"
    ttl: int | None = FOR_EVER

    account_status: Literal["deleted"] = Field(default="deleted", description="As of a profile: the account is closed")
    erasure_id: Uuid = Field(description="The receipt")
    deleted_at: Timestamp = Field(description="When the erasure was asked for")

    @classmethod
    def over(
        cls, item: Mapping[str, Any] | None, item_id: str, user_id: str, erasure_id: str, deleted_at: datetime
    ) -> Tombstone:
        """The tombstone in the place of a stored document, or of none. Edits of that document are stale then."""
        revision = int((item or {}).get("revision", 0)) + 1
        return cls(
            id=item_id,
            partition_key=user_id,
            revision=revision,
            erasure_id=erasure_id,
            deleted_at=deleted_at,
        )


def is_tombstone(item: Mapping[str, Any]) -> bool:
    """Whether a stored document says that its user is erased, or is being erased."""
    return bool(item.get("kind") == TOMBSTONE)
