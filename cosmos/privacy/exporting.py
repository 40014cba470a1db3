"""Everything that is held about a user, in all containers, for their export.

What is exported is whatever is in the user's partitions, and not a list of kinds: a kind that is added later is
exported, too. Elsewhere are the claims of their address and username, which are found by what the profile has, and what
names them in others' partitions, of which they get what concerns them.

A container is read in the order in which Cosmos DB keeps it, from its beginning to its end, by its own continuation.
Neither an edit nor a split moves a document in that order: what was there from the first page to the last is exported
exactly once, in the state in which its page found it. What comes or goes meanwhile may be there or not. An order by id
or by the time of the last write would have to be sorted or would move what is edited; the latter never ends for
somebody who goes on writing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.reading import read_or_none
from cosmos.privacy.mentions import Mentions
from models.core.identity import email_claim_id_of, username_claim_id_of
from models.core.kinds import Kind
from models.privacy.export import (
    Counts,
    ExportedDocument,
    Manifest,
    Progress,
    as_line,
    exported,
    kind_of,
    written_versions,
)

DOCUMENTS_PER_REQUEST = 200

KINDS_PER_REQUEST = 100

ENOUGH_BYTES = 1_500_000
"""A page is full with these. It may be larger by what one answer of the database holds: at most 4 MB, mostly 500 KB."""


class Exporting:
    """Reads all that is held about one user, a page at a time."""

    def __init__(self, database: Database, kinds: Mapping[str, Kind[Any]]) -> None:
        self._containers: dict[str, ContainerProxy] = {
            name: getattr(database, name) for name in Database.__dataclass_fields__
        }
        self._kinds = kinds
        self._mentions = Mentions(database, kinds)

    async def begin(self, user_id: str, now: datetime) -> tuple[Manifest, list[ExportedDocument], Progress]:
        """The manifest, what is outside of the user's partitions, and where to go on."""
        claims = await self._claims(user_id)
        counted = await asyncio.gather(*(_counts(container, user_id) for container in self._containers.values()))
        counts: Counts = {name: dict(kinds) for name, kinds in zip(self._containers, counted, strict=True)}
        progress = Progress(container=next(iter(self._containers)))
        elsewhere = [("users", claim) for claim in claims]
        elsewhere += await self._mentions.told(user_id)
        outside = [exported(name, item) for name, item in elsewhere]
        for name, item in elsewhere:
            kind = kind_of(item)
            counts[name][kind] = counts[name].get(kind, 0) + 1
            progress.count(name, item)
        kinds = {kind for container in counts.values() for kind in container}
        manifest = Manifest(made_at=now, user_id=user_id, counts=counts, schema_versions=written_versions(kinds))
        return manifest, outside, progress

    async def page(self, user_id: str, progress: Progress, limit: int) -> tuple[list[str], Progress]:
        """The next documents, each as a line of JSON, and how far that comes.

        Args:
            limit: Most documents.
        """
        progress = progress.model_copy(deep=True)
        lines: list[str] = []
        size = 0
        while (name := progress.container) and len(lines) < limit and size < ENOUGH_BYTES:
            wanted = min(DOCUMENTS_PER_REQUEST, limit - len(lines))
            items, progress.continuation = await page_of(
                self._containers[name], "SELECT * FROM c", {}, wanted, progress.continuation, user_id
            )
            for item in items:
                progress.count(name, item)
                lines.append(as_line(exported(name, self._own(item))))
                size += len(lines[-1].encode())
            if progress.continuation is None:
                progress.container = self._following(name)
        return lines, progress

    def _own(self, item: Item) -> Item:
        """A document of the user's without what would tell who somebody else is."""
        kind = self._kinds.get(kind_of(item))
        withheld = {*kind.withheld, *kind.secrets} if kind else ()
        return {name: value for name, value in item.items() if name not in withheld}

    def _following(self, name: str) -> str | None:
        names = list(self._containers)
        return next(iter(names[names.index(name) + 1 :]), None)

    async def _claims(self, user_id: str) -> list[Item]:
        """The claims of the address and the username on the profile that the user holds, by point reads."""
        users = self._containers["users"]
        profile = await read_or_none(users, user_id, user_id) or {}
        ids = []
        if profile.get("email"):
            ids.append(email_claim_id_of(profile["tenant_id"], profile["email"]))
        if profile.get("username"):
            ids.append(username_claim_id_of(profile["username"]))
        found = [await read_or_none(users, claim_id, claim_id) for claim_id in ids]
        return [claim for claim in found if claim and claim["user_id"] == user_id]


async def _counts(container: ContainerProxy, user_id: str) -> Counter[str]:
    """How many documents of each kind a user has in a container.

    The SDK passes the query on, as it is for one logical partition. The database may group what it has come to see by
    the end of a page, and the rest in the next one: the same kind comes more than once, and adds up.
    """
    query = "SELECT c.kind, COUNT(1) AS documents FROM c GROUP BY c.kind"
    counts: Counter[str] = Counter()
    continuation: str | None = None
    while True:
        rows, continuation = await page_of(container, query, {}, KINDS_PER_REQUEST, continuation, user_id)
        for row in rows:
            counts[kind_of(row)] += row["documents"]
        if continuation is None:
            return counts
