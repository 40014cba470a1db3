"""The log of erasures, which a restore of the database does not reach, and how far the database knows it.

An entry is its name, and nothing else: when an erasure was promised, and the id of its receipt, a keyed hash of the
user. Names are in the order of these moments. Whoever promises writes the database first. So at any moment the
database knows every entry, unless it was restored to an earlier one: then those after that are unknown to it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field

from models.core.document import Document
from models.core.values import Count, Timestamp
from models.privacy.erasure import erasure_id_of

PLATFORM = "platform"
MARK_ID = "erasure-mark"

REACH = timedelta(days=45)
"""How far back the log is looked at: for as long as backups last, 30 days at most, and two weeks to restore one."""

SETTLED = timedelta(minutes=2)
"""An entry of a moment may come this much later: a request promises for 25 seconds at most, and clocks differ."""

MARKED_EVERY = timedelta(hours=1)
"""How old the mark gets where nobody is erased: so much has to be listed again each time."""

ANY_KEY = "00000000"
"""Stands for the key where it is not known any more which one it was."""

_DAYS_FROM = timedelta(hours=12)
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})Z_([0-9a-f-]{36})_([0-9a-f]{8})")
_MOMENT = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True, order=True)
class Entry:
    """An erasure that was promised.

    Attributes:
        moment: When: from then on the account was closed.
        erasure_id: The id of its receipt, and of its job: a keyed hash of the user's id.
        key_id: With which key: the id says nothing of the key.
    """

    moment: datetime
    erasure_id: str
    key_id: str

    @property
    def name(self) -> str:
        return f"{self.moment.astimezone(UTC).strftime(_MOMENT)}Z_{self.erasure_id}_{self.key_id}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The entry of a name; None if it is not one."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        try:
            moment = datetime.strptime(found[1], _MOMENT).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(moment, found[2], found[3])


def beginnings(since: datetime, until: datetime) -> list[str]:
    """What the names of all entries of a span begin with: its hours, or its days if it is long."""
    is_long = until - since > _DAYS_FROM
    step, form = (timedelta(days=1), "%Y%m%d") if is_long else (timedelta(hours=1), "%Y%m%dT%H")
    at = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    at = at.replace(hour=0) if is_long else at
    found = []
    while at <= until:
        found.append(at.strftime(form))
        at += step
    return found


def parsed(names: Iterable[str]) -> list[Entry]:
    """The entries among names, the oldest first. What is none is not the log's."""
    return sorted(entry for entry in map(Entry.parse, names) if entry)


def is_among(entry: Entry, others: Iterable[Entry]) -> bool:
    """Whether the same erasure is there, with whichever key."""
    return any((other.moment, other.erasure_id) == (entry.moment, entry.erasure_id) for other in others)


def count_of(entries: Iterable[Entry]) -> int:
    """How many erasures: one may have been noted twice, by another key."""
    return len({entry.erasure_id for entry in entries})


class Keys:
    """The keys that users' ids are hashed with: the one that holds, and former ones.

    Args:
        key: The one that holds.
        former: Those before it, for as long as entries of theirs may be needed.
    """

    def __init__(self, key: bytes, former: tuple[bytes, ...] = ()) -> None:
        self._keys: Mapping[str, bytes] = {_id_of(each): each for each in (*former, key)}
        self.ids = frozenset(self._keys)

    def of(self, user_id: str, erasure_id: str) -> str:
        """The id of the key with which a user's id has this hash."""
        found = [key_id for key_id, key in self._keys.items() if erasure_id_of(user_id, key) == erasure_id]
        return found[0] if found else ANY_KEY

    def named(self, user_ids: Iterable[str], entries: Iterable[Entry]) -> dict[str, str]:
        """Whom of these users the entries name: the ids of their erasures by theirs."""
        ids = {entry.erasure_id for entry in entries}
        hashes = {user_id: [erasure_id_of(user_id, key) for key in self._keys.values()] for user_id in user_ids}
        return {user_id: one for user_id, found in hashes.items() for one in found if one in ids}


def _id_of(key: bytes) -> str:
    return hmac.digest(key, b"which key", "sha256").hex()[:8]


def known_until(mark: ErasureMark | None, now: datetime) -> datetime:
    """From when on the log has to be looked at."""
    return max(mark.known_until, now - REACH) if mark else now - REACH


class ErasureMark(Document):
    """How far the database knows the log of erasures. After a restore it is as old as the rest of the database."""

    container: ClassVar[str] = "users"

    id: Literal["erasure-mark"] = "erasure-mark"
    partition_key: Literal["platform"] = "platform"
    kind: Literal["erasure_mark"] = "erasure_mark"

    known_until: Timestamp = Field(description="Entries up to this moment were looked at, and are known")
    newest: str | None = Field(default=None, description="The newest entry that was there then, by its name")
    restored_since: Timestamp | None = Field(
        default=None, description="Entries later than this were unknown after a restore: whom they name may come back"
    )
    restored_until: Timestamp | None = Field(default=None, description="The newest of these")

    def moved(self, until: datetime, newest: str | None) -> ErasureMark:
        """Further; never back."""
        names = [name for name in (self.newest, newest) if name]
        changes = {"known_until": max(self.known_until, until), "newest": max(names, default=None)}
        return self.model_copy(update=changes | {"revision": self.revision + 1})

    def restored(self, since: datetime, until: datetime) -> ErasureMark:
        """With the entries of this span as those that were unknown after a restore, beside those of others."""
        since, until = min(self.restored_since or since, since), max(self.restored_until or until, until)
        return self.model_copy(update={"restored_since": since, "restored_until": until})


class RestoreRecord(Document):
    """That the database was restored, and how many were erased again: the platform's audit. Its `id` has the job's."""

    container: ClassVar[str] = "users"

    partition_key: Literal["platform"] = "platform"
    kind: Literal["restore_record"] = "restore_record"

    noticed_at: Timestamp = Field(description="When the log was seen to be ahead")
    since: Timestamp = Field(description="The database knew the log up to then: about the moment restored to")
    until: Timestamp = Field(description="The newest entry that was unknown to it")
    unknown: Count = Field(description="Erasures that the log had and the database did not")
    profiles: Count = Field(description="Profiles that were gone through")
    accounts: Count = Field(description="Of them those that were erased again; the others had no account in the copy")
    ended_at: Timestamp = Field(description="When all of them were closed again")
