"""Erasing an account: what is counted meanwhile, and the receipt that is kept. What bars it are tombstones."""

from __future__ import annotations

import hmac
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.core.document import Document
from models.core.fields import SHOWN, STAFF_ONLY
from models.core.tombstone import FOR_EVER
from models.core.values import Count, Timestamp, Uuid

PROGRESS_ID = "~erasure-progress"
"""No client can make a document of this id: those that they choose begin with a letter or a digit."""

Counts = dict[str, Count]
"""Documents by kind."""

Asker = Literal["user", "admin", "restore", "guardian", "retention"]
"""Who asked for an erasure; `restore` for one that is done again, since a restored database knew nothing of it;
`retention` for the account of a child whose time is over."""
ErasureStatus = Literal["running", "completed"]


class ErasureProgress(Document):
    """How many of a user's documents in one container have been deleted: written in the transactions that delete them.

    It is in the user's partition of each container, and goes when the receipt has its counts.
    """

    partition_key: Uuid
    kind: Literal["erasure_progress"] = "erasure_progress"
    ttl: int | None = FOR_EVER

    deleted: Counts = Field(default_factory=dict, description="Documents deleted so far, by kind")
    claims: list[str] = Field(
        default_factory=list,
        description="Ids of claims, of addresses and usernames: noted, and counted, before they are released",
    )

    elsewhere: list[str] = Field(
        default_factory=list,
        description="Documents in others' partitions that name the user: noted, and counted, before they are removed. "
        "Those of the last request alone: what was noted before is gone",
    )

    @classmethod
    def of(cls, user_id: str) -> ErasureProgress:
        """Nothing has been deleted yet."""
        return cls(id=PROGRESS_ID, partition_key=user_id)

    def plus(self, counts: Mapping[str, int]) -> ErasureProgress:
        """With further documents counted."""
        kinds = sorted(self.deleted.keys() | counts.keys())
        deleted = {kind: self.deleted.get(kind, 0) + counts.get(kind, 0) for kind in kinds}
        return self.model_copy(update={"deleted": deleted, "revision": self.revision + 1})

    def noting(self, claims: Mapping[str, str]) -> ErasureProgress:
        """With claims counted that are to be released, each once; `claims` is their kinds by their ids."""
        new = sorted(claims.keys() - set(self.claims))
        if not new:
            return self
        counts = Counter(claims[claim] for claim in new)
        return self.plus(counts).model_copy(update={"claims": [*self.claims, *new]})

    def noting_elsewhere(self, found: Mapping[str, str]) -> ErasureProgress:
        """With documents elsewhere counted, each once; `found` is their kinds by their names."""
        new = Counter(kind for name, kind in found.items() if name not in self.elsewhere)
        if not new and sorted(found) == self.elsewhere:
            return self
        return self.plus(new).model_copy(update={"elsewhere": sorted(found)})


class Erasure(Document):
    """The receipt of an erasure. It is kept, and does not say whose it is to anybody who lacks the key of the hash."""

    container: ClassVar[str] = "users"

    id: Uuid
    partition_key: Uuid
    kind: Literal["erasure"] = "erasure"

    status: Annotated[ErasureStatus, SHOWN] = Field(default="running", description="How far it is")
    user_hash: Annotated[str, SHOWN] = Field(description="Keyed hash of the user's id")
    requested_by: Annotated[Asker, SHOWN] = Field(description="Who asked for it")
    actor_id: Annotated[Uuid | None, STAFF_ONLY] = Field(
        default=None, description="The user_id of the admin who asked; else null"
    )
    requested_at: Annotated[Timestamp, SHOWN] = Field(description="From then on the account was closed")
    started_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When deleting began, after a pause for the last"
    )
    completed_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When nothing was found any more"
    )
    deleted: Annotated[dict[str, Counts], SHOWN] = Field(
        default_factory=dict, description="Documents deleted, by container and kind; empty until it is completed"
    )
    deleted_total: Annotated[Count, SHOWN] = Field(default=0, description="Documents deleted in all")

    @classmethod
    def of(cls, user_id: str, asker: Asker, actor_id: str | None, now: datetime, key: bytes) -> Erasure:
        """The receipt of an erasure that is asked for now."""
        erasure_id = erasure_id_of(user_id, key)
        return cls(
            id=erasure_id,
            partition_key=erasure_id,
            user_hash=user_hash_of(user_id, key),
            requested_by=asker,
            actor_id=actor_id,
            requested_at=now,
        )

    def completed(self, deleted: Mapping[str, Counts], now: datetime) -> Erasure:
        """The receipt of an erasure that is done."""
        total = sum(sum(counts.values()) for counts in deleted.values())
        done = {"status": "completed", "completed_at": now, "deleted": dict(deleted), "deleted_total": total}
        return self.model_copy(update=done | {"revision": self.revision + 1})


def erasure_id_of(user_id: str, key: bytes) -> str:
    """The id of a user's one erasure: the same whoever asks and however often, and not to be told without the key."""
    return str(uuid.UUID(bytes=_digest("erasure", user_id, key)[:16], version=4))


def user_hash_of(user_id: str, key: bytes) -> str:
    """The keyed hash of a user's id: 32 hexadecimal digits of HMAC-SHA256."""
    return _digest("user", user_id, key).hex()[:32]


def _digest(what: str, user_id: str, key: bytes) -> bytes:
    return hmac.digest(key, f"{what}:{user_id}".encode(), "sha256")
