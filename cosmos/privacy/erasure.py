"""All five containers: bars a user who is to be erased, deletes what is theirs, and keeps the receipt.

Each step may be repeated, by one process or several, and be cut off anywhere. What is deleted is counted in the same
transaction, in a document beside it, so that the receipt counts each document once whatever happened on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.accounts.roster import Roster
from cosmos.core.database import Database, Item, Stored
from cosmos.core.paging import page_of
from cosmos.core.patching import patch_if
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, repeat, transact, write_over, written_over
from cosmos.privacy.mentions import NO_PARTINGS, Mentions, Parting
from models.accounts.audit import AuditEntry
from models.accounts.profile import UserProfile
from models.core.errors import NotFound
from models.core.kinds import Kind
from models.core.tombstone import TOMBSTONE, Tombstone, is_tombstone
from models.jobs.job import Job
from models.privacy.erasure import PROGRESS_ID, Counts, Erasure, ErasureProgress
from models.risk.window import risk_window_id
from models.usage.allowance import ALLOWANCE_ID

DOCUMENTS_PER_TRANSACTION = 99
"""A transactional batch takes 100 operations; one of them counts."""

TRANSACTIONS_PER_SWEEP = 20
CLAIMS_PER_REQUEST = 100
ATTEMPTS = 20

ERASURE_JOB = "erasure"
"""The name of the kind of job that erases: its document goes last, once the receipt is completed."""

LEFT = (
    f'NOT IS_DEFINED(c.kind) OR NOT (c.kind IN ("{TOMBSTONE}", "erasure_progress")'
    f' OR (c.kind = "job" AND c.job = "{ERASURE_JOB}"))'
)
"""Of the documents in a user's partition, those that are to go."""


class Erasures:
    """The steps of an erasure, and its receipt."""

    def __init__(
        self, database: Database, kinds: Mapping[str, Kind[Any]], partings: Mapping[str, Parting] = NO_PARTINGS
    ) -> None:
        """With what ends where somebody is erased whom documents of these kinds name."""
        self._users = database.users
        self._roster = Roster(database)
        self._mentions = Mentions(database, kinds, partings)
        self._containers: dict[str, ContainerProxy] = {
            "user_sessions": database.user_sessions,
            "user_interactions": database.user_interactions,
            "user_bookmarks": database.user_bookmarks,
            "user_analytics": database.user_analytics,
            "users": database.users,
        }

    async def account(self, user_id: str) -> UserProfile | Tombstone | None:
        """A user's profile, or what stands for it once they are being erased; by one point read."""
        item = await read_or_none(self._users, user_id, user_id, ["profile", TOMBSTONE])
        if item is None:
            return None
        return Tombstone.parse(item) if is_tombstone(item) else UserProfile.parse(item)

    async def receipt(self, erasure_id: str) -> Erasure:
        """A receipt, by one point read.

        Raises:
            NotFound: there is no such erasure.
        """
        return (await self._receipt(erasure_id)).document

    async def close(self, user_id: str, erasure: Erasure, job: Job, entry: AuditEntry | None = None) -> bool:
        """Promises an erasure: the tombstone in the profile's place, and the job, in one transaction.

        Args:
            entry: Who of the staff asks for it, and why. It is erased with the rest; the receipt keeps who it was.

        Returns:
            False if the account was closed already: the first promise stays.

        Raises:
            Contention: others wrote the profile every time; call again.
        """
        further: list[Any] = [("create", (document.body(),)) for document in (job, entry) if document]
        return await self._put_tombstone(self._users, user_id, user_id, erasure, further)

    async def completed(self, erasure_id: str) -> Erasure | None:
        """The receipt of an erasure that is done, by one point read; None if it is not, or has none yet."""
        item = await read_or_none(self._users, erasure_id, erasure_id)
        return Erasure.parse(item) if item and item.get("status") == "completed" else None

    async def bar(self, user_id: str, erasure: Erasure) -> Erasure:
        """Puts the receipt down and the tombstones up; those of the first who asks stay. The receipt that is there.

        From then on no turn can be recorded, admitted or folded. Other processes may start sessions and save bookmarks
        for as long as they go by a profile they have seen: see `cosmos.accounts.users.STATUS_SECONDS`.

        Raises:
            Contention: others wrote the same documents every time; call again.
        """
        try:
            await write_over(self._users, erasure.body(), None)
        except Outrun:
            erasure = await self.receipt(erasure.id)
        places = {"users": user_id, "user_sessions": ALLOWANCE_ID, "user_analytics": risk_window_id(user_id)}
        for container, item_id in places.items():
            await self._put_tombstone(self._containers[container], item_id, user_id, erasure)
        return erasure

    async def start(self, erasure_id: str, now: datetime) -> None:
        """Notes when deleting began, once."""
        stored = await self._receipt(erasure_id)
        if stored.document.started_at is None:
            with suppress(Outrun):  # somebody who does the same was faster
                begun = stored.document.model_copy(update={"started_at": now})
                await write_over(self._users, begun.body(), stored.etag)

    async def sweep(self, user_id: str) -> bool:
        """Deletes some of what is there, container by container; whether there may be more.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        left = TRANSACTIONS_PER_SWEEP
        for container in self._containers.values():
            while page := await self._page(container, user_id):
                if left == 0:
                    return True
                await self._delete(container, user_id, page)
                left -= 1
        await self._release_claims(user_id)
        await self._roster.leave(user_id)
        return await self._remove_mentions(user_id)

    async def remaining(self, user_id: str) -> dict[str, int]:
        """How many documents of the user there are, by container, read back; without bookkeeping and tombstones."""
        query = f"SELECT VALUE COUNT(1) FROM c WHERE {LEFT}"  # noqa: S608  # no values
        found = {"claims": len(await self._claims(user_id))}
        found["elsewhere"] = len(await self._mentions.some(user_id))
        for name, container in self._containers.items():
            counts: Any = container.query_items(query, partition_key=user_id)
            found[name] = sum([count async for count in counts])
        return {name: count for name, count in found.items() if count}

    async def finish(self, user_id: str, erasure_id: str, now: datetime) -> bool:
        """Completes the receipt if nothing is left, and removes the bookkeeping; whether that is so.

        Raises:
            Contention: others wrote the receipt every time; call again.
        """

        async def finished() -> bool:
            stored = await self._receipt(erasure_id)
            if stored.document.status != "completed":
                if await self.remaining(user_id):
                    return False
                counts = {name: await _counted(container, user_id) for name, container in self._containers.items()}
                await write_over(self._users, stored.document.completed(counts, now).body(), stored.etag)
            for container in self._containers.values():
                await _delete_if_there(container, PROGRESS_ID, user_id)
            return True

        return await repeat("a receipt", finished)

    async def _put_tombstone(
        self, container: ContainerProxy, item_id: str, user_id: str, erasure: Erasure, further: Iterable[Any] = ()
    ) -> bool:
        """In the place of what is stored there, which counts as deleted; False if there is one already.

        Args:
            further: Operations of the same transaction.
        """

        async def put() -> bool:
            item = await read_or_none(container, item_id, user_id)
            if item and is_tombstone(item):
                return False
            body = Tombstone.over(item, item_id, user_id, erasure.id, erasure.requested_at).body()
            operations = [written_over(body, item["_etag"] if item else None), *further]
            if item:
                operations.append(await self._counting(container, user_id, {item["kind"]: 1}))
            await transact(container, operations, user_id)
            return True

        return await repeat("what a tombstone takes the place of", put)

    async def _page(self, container: ContainerProxy, user_id: str) -> list[Item]:
        """Ids and kinds of some of what is left. What is deleted needs no continuation: each page is the first."""
        query = f"SELECT c.id, c.kind FROM c WHERE {LEFT}"  # noqa: S608  # no values
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(container, query, {}, DOCUMENTS_PER_TRANSACTION, continuation, user_id)
            if rows or continuation is None:
                return rows

    async def _delete(self, container: ContainerProxy, user_id: str, page: Iterable[Item]) -> None:
        """Deletes a page and counts it, all or nothing. If somebody else was at it meanwhile, that is: nothing."""
        counts = Counter(row.get("kind", "unknown") for row in page)
        operations: list[Any] = [("delete", (row["id"],)) for row in page]
        with suppress(Outrun):
            await transact(container, [*operations, await self._counting(container, user_id, counts)], user_id)

    async def _counting(self, container: ContainerProxy, user_id: str, counts: Mapping[str, int]) -> Any:
        """The operation of a batch that counts what the batch deletes."""
        progress, etag = await self._progress(container, user_id)
        return written_over(progress.plus(counts).body(), etag)

    async def _progress(self, container: ContainerProxy, user_id: str) -> tuple[ErasureProgress, str | None]:
        item = await read_or_none(container, PROGRESS_ID, user_id, ["erasure_progress"])
        return (ErasureProgress.parse(item), item["_etag"]) if item else (ErasureProgress.of(user_id), None)

    async def _release_claims(self, user_id: str) -> None:
        """Deletes the user's claims of addresses and names: mostly one; more if a process died while it moved one.

        Each is in a partition of its own. So it is noted and counted first, in the user's, and released then.
        """
        claims = await self._claims(user_id)
        if not claims:
            return
        progress, etag = await self._progress(self._users, user_id)
        noted = progress.noting(claims)
        try:
            if noted is not progress:
                await write_over(self._users, noted.body(), etag)
        except Outrun:
            return
        for claim in claims:
            await _delete_if_there(self._users, claim, claim)

    async def _remove_mentions(self, user_id: str) -> bool:
        """Takes the user out of some of what names them in others' partitions; whether there may be more of it.

        Like the claims: noted and counted first, in the user's partition, and removed then.
        """
        found = await self._mentions.some(user_id)
        if not found:
            return False
        progress, etag = await self._progress(self._users, user_id)
        noted = progress.noting_elsewhere({mention.key: mention.kind for mention in found})
        try:
            if noted is not progress:
                await write_over(self._users, noted.body(), etag)
        except Outrun:
            return True
        for mention in found:
            await self._mentions.remove(user_id, mention)
        return True

    async def _claims(self, user_id: str) -> dict[str, str]:
        """The kinds of the user's claims by their ids, in whatever partitions: by an index, once or twice."""
        query = "SELECT c.id, c.kind FROM c WHERE c.kind IN ('email_claim', 'username_claim') AND c.user_id = @user_id"
        claims: dict[str, str] = {}
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(
                self._users, query, {"user_id": user_id}, CLAIMS_PER_REQUEST, continuation, None
            )
            claims |= {row["id"]: row["kind"] for row in rows}
            if continuation is None:
                return claims

    async def _receipt(self, erasure_id: str) -> Stored[Erasure]:
        item = await read_or_none(self._users, erasure_id, erasure_id, ["erasure"])
        if item is None:
            raise NotFound("erasure")
        return Stored(Erasure.parse(item), item["_etag"])


async def _counted(container: ContainerProxy, user_id: str) -> Counts:
    """What was deleted. By a patch: a read may be answered by a replica that lags behind another process's writes."""
    counted = [{"op": "incr", "path": "/revision", "value": 1}]
    item = await patch_if(container, PROGRESS_ID, user_id, counted, "true")
    return ErasureProgress.parse(item).deleted if item else {}


async def _delete_if_there(container: ContainerProxy, item_id: str, partition: str) -> None:
    with suppress(Outrun):
        await delete(container, item_id, partition)
