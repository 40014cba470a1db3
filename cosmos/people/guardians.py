"""Container `users`: guardians of children: asked for, confirmed, and what they consent to.

A bar on the child's allowance goes before a consent that ends, and is lifted after one that begins: whoever dies in
between leaves the child barred. The change feed lifts it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from cachetools import LRUCache

from cosmos.accounts.users import Users
from cosmos.core.database import Database, Item
from cosmos.core.paging import rows_of
from cosmos.core.patching import set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, repeat, transact, written_over
from cosmos.usage.bars import set_bar
from models.accounts.audit import AuditEntry
from models.accounts.profile import ParentalConsent, UserProfile
from models.core.errors import AccountClosed, NotFound, TooManyRequests
from models.people.guardianship import (
    MOST_OPEN,
    ConsentStatus,
    GuardianRequest,
    Guardianship,
    Ward,
    consent_of,
    consenting,
    guardianship_id,
    primary_of,
    request_id,
)

CHILDREN_REMEMBERED = 20_000

MISSING = NotFound("guardian")


class Guardians:
    """Reads and writes who is whose guardian."""

    def __init__(self, database: Database, users: Users) -> None:
        self._container = database.users
        self._sessions = database.user_sessions
        self._users = users
        self._brought: LRUCache[str, int] = LRUCache(CHILDREN_REMEMBERED)

    async def ask(self, request: GuardianRequest) -> None:
        """Keeps a request; one that is there already stays.

        Raises:
            TooManyRequests: as many are open as may be.
        """
        opened = await self.requests(request.user_id)
        if any(one.id == request.id for one in opened):
            return
        if len(opened) >= MOST_OPEN:
            raise TooManyRequests
        await self._container.upsert_item(request.body())

    async def requests(self, user_id: str) -> list[GuardianRequest]:
        """The open requests of a user."""
        return [GuardianRequest.parse(row) for row in await self._of_kind("guardian_request", user_id)]

    async def guardians(self, child_id: str) -> list[Guardianship]:
        """Who is, or was, a child's guardian."""
        return [Guardianship.parse(row) for row in await self._of_kind("guardianship", child_id)]

    async def wards(self, parent_id: str) -> list[Ward]:
        """Whose guardian somebody is, or was."""
        return [Ward.parse(row) for row in await self._of_kind("ward", parent_id)]

    async def guardianship(self, child_id: str, parent_id: str) -> Guardianship:
        """A guardianship that holds, by one point read.

        Raises:
            NotFound: there is none.
        """
        item = await read_or_none(self._container, guardianship_id(parent_id), child_id, ["guardianship"])
        found = Guardianship.parse(item) if item else None
        if found is None or found.status != "confirmed":
            raise MISSING
        return found

    async def asked(self, child_id: str, parent_id: str) -> GuardianRequest:
        """What one of the two has asked for.

        Raises:
            NotFound: neither has.
        """
        for user_id, other_id, asked_as in ((parent_id, child_id, "parent"), (child_id, parent_id, "child")):
            item = await read_or_none(self._container, request_id(other_id), user_id, ["guardian_request"])
            if item is not None and item["asked_as"] == asked_as:
                return GuardianRequest.parse(item)
        raise MISSING

    async def confirm(self, guardianship: Guardianship, now: datetime, entry: AuditEntry) -> Guardianship:
        """Makes somebody a guardian; one who is already stays as they are. Requests end. May be repeated."""
        child_id, parent_id = guardianship.student_id, guardianship.parent_id

        def confirmed(known: Guardianship | None, _: list[Guardianship]) -> Guardianship | None:
            if known is not None and known.status == "confirmed":
                return None
            return guardianship.over(known) if known else guardianship

        made = await self._changed(child_id, parent_id, confirmed, now, entry)
        for user_id, other_id in ((parent_id, child_id), (child_id, parent_id)):
            with suppress(Outrun):
                await delete(self._container, request_id(other_id), user_id)
        return made

    async def consent(
        self, child_id: str, parent_id: str, status: ConsentStatus, now: datetime, entry: AuditEntry
    ) -> Guardianship:
        """Grants or withdraws a guardian's consent. Withdrawn, no turn of the child is taken from then on.

        Raises:
            NotFound: they are no guardian of the child.
        """

        def said(known: Guardianship | None, _: list[Guardianship]) -> Guardianship | None:
            if known is None or known.status != "confirmed":
                raise MISSING
            if known.consent_status == status:
                return None
            return known.changed(now, consent_status=status, consent_at=now)

        return await self._changed(child_id, parent_id, said, now, entry)

    async def end(self, child_id: str, parent_id: str, now: datetime, entry: AuditEntry) -> None:
        """Ends a guardianship, and what its guardian consented to.

        Raises:
            NotFound: there is none.
        """

        def ended(known: Guardianship | None, _: list[Guardianship]) -> Guardianship | None:
            if known is None or known.status != "confirmed":
                raise MISSING
            return known.changed(now, status="ended", consent_status="pending", consent_at=now, is_primary=False)

        await self._changed(child_id, parent_id, ended, now, entry)

    async def lift(self, child_id: str, parent_id: str, now: datetime, entry: AuditEntry) -> Guardianship:
        """Takes a guardian's withdrawal back in their place: they have not said anything then. May be repeated.

        Raises:
            NotFound: they are no guardian of the child.
        """

        def lifted(known: Guardianship | None, _: list[Guardianship]) -> Guardianship | None:
            if known is None or known.status != "confirmed":
                raise MISSING
            if known.consent_status != "withdrawn":
                return None
            return known.changed(now, consent_status="pending", consent_at=now)

        return await self._changed(child_id, parent_id, lifted, now, entry)

    async def part(self, parent_id: str, child_id: str, now: datetime) -> None:
        """Ends the guardianship of somebody who is being erased, and what they consented to. May be repeated."""

        def ended(known: Guardianship | None, _: list[Guardianship]) -> Guardianship | None:
            if known is None or known.status != "confirmed":
                raise MISSING
            return known.changed(now, status="ended", consent_status="pending", consent_at=now, is_primary=False)

        try:
            await self._changed(child_id, parent_id, ended, now, None)
        except (NotFound, AccountClosed):  # it had ended, or the child is being erased, too
            return

    async def correct_birth_year(self, child_id: str, year: int, now: datetime, entry: AuditEntry) -> UserProfile:
        """Says when somebody was born who has said otherwise, with what follows for consent. May be repeated.

        Raises:
            NotFound: there is no such user, or they have not said when they were born.
        """

        async def said() -> UserProfile:
            profile = await self._users.find(child_id)
            if profile is None or profile.birth_year is None:
                raise NotFound("child")
            corrected = profile.model_copy(update={"birth_year": year})
            fields: dict[str, Any] = {"birth_year": year}
            if profile.parental_consent is not None or corrected.is_under_13(now):
                consent = _consent(await self.guardians(child_id), corrected, now)
                corrected = corrected.model_copy(update={"parental_consent": consent})
                fields["parental_consent"] = consent.model_dump(mode="json")
            if corrected.is_barred(now):
                await self._bar(corrected, True)
            await self._batch(profile, fields, [written_over(entry.body(), None)])
            after = await self._users.find(child_id)
            if not corrected.is_barred(now):
                await self._bar(corrected, False)
            return after or corrected

        return await repeat("a child's profile", said)

    async def _bar(self, profile: UserProfile, barred: bool) -> None:
        if profile.parental_consent is not None:
            await set_bar(self._sessions, profile.id, barred, profile.parental_consent.revision)

    async def bring(self, items: Iterable[Item], now: datetime) -> None:
        """Brings the bars of children to what is consented to. May be repeated.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        for child_id in sorted({item["partition_key"] for item in items if self._may_bar(item)}):
            item = await read_or_none(self._container, child_id, child_id, ["profile"])
            profile = UserProfile.parse(item) if item else None
            if profile is not None and profile.parental_consent is not None:
                await self._bar(profile, profile.is_barred(now))
                self._brought[child_id] = profile.parental_consent.revision

    def _may_bar(self, item: Item) -> bool:
        """Whether a change may be one of a consent. A profile changes with each turn, and its consent hardly ever."""
        if item.get("kind") == "guardianship":
            return True
        consent: dict[str, Any] = (item.get("parental_consent") if item.get("kind") == "profile" else None) or {}
        return bool(consent) and self._brought.get(item["partition_key"]) != consent.get("revision")

    async def _changed(
        self,
        child_id: str,
        parent_id: str,
        change: Callable[[Guardianship | None, list[Guardianship]], Guardianship | None],
        now: datetime,
        entry: AuditEntry | None,
    ) -> Guardianship:
        """Changes a guardianship and the consent on the child's profile in one transaction, between bars.

        Of several guardians one is the primary one: who was said last to be, else the first.
        """

        async def changing() -> Guardianship:
            profile = await self._users.find(child_id)
            if profile is None:
                raise MISSING
            rows = {row["id"]: row for row in await self._of_kind("guardianship", child_id)}
            known = {name: Guardianship.parse(row) for name, row in rows.items()}
            name = guardianship_id(parent_id)
            before = known.get(name)
            after = change(before, list(known.values()))
            if after is None:
                if before is None:
                    raise MISSING
                await self._lift(profile, now)
                return before
            others = [one for key, one in known.items() if key != name]
            primary = after if after.is_primary else primary_of([*others, after])
            after = after.model_copy(update={"is_primary": primary is not None and primary.id == name})
            changes: list[Any] = [_marked(one, one is primary) for one in others if one.is_primary != (one is primary)]
            consent = _consent([*others, after], profile, now)
            changed = profile.model_copy(update={"parental_consent": consent})
            if changed.is_barred(now):
                await self._bar(changed, True)
            held = rows.get(name)
            changes.append(written_over(after.body(), held["_etag"] if held else None))
            if entry:
                changes.append(written_over(entry.body(), None))
            await self._batch(profile, {"parental_consent": consent.model_dump(mode="json")}, changes)
            await self._users.find(child_id)  # this process goes by it from now on
            if not changed.is_barred(now):
                await self._bar(changed, False)
            return after

        return await repeat("a guardianship", changing)

    async def _lift(self, profile: UserProfile, now: datetime) -> None:
        """In case that whoever wrote the consent was cut off before."""
        if profile.parental_consent is not None and not profile.is_barred(now):
            await set_bar(self._sessions, profile.id, False, profile.parental_consent.revision)

    async def _batch(self, profile: UserProfile, changes: dict[str, Any], further: list[Any]) -> None:
        """Writes what follows for the child's profile, and further operations, unless others wrote it meanwhile."""
        fields = [*set_fields(changes), {"op": "incr", "path": "/revision", "value": 1}]
        unchanged = {"filter_predicate": f"FROM c WHERE c.revision = {profile.revision}"}
        operations: list[Any] = [("patch", (profile.id, fields), unchanged), *further]
        await transact(self._container, operations, profile.id)

    async def _of_kind(self, kind: str, user_id: str) -> list[Item]:
        query = "SELECT * FROM c WHERE c.kind = @kind"
        return await rows_of(self._container, query, {"kind": kind}, user_id)


def _marked(guardianship: Guardianship, is_primary: bool) -> Any:
    """The patch by which a guardian is, or is no longer, the primary one."""
    counted = {"op": "incr", "path": "/revision", "value": 1}
    return ("patch", (guardianship.id, [*set_fields({"is_primary": is_primary}), counted]))


def _consent(guardianships: list[Guardianship], profile: UserProfile, now: datetime) -> ParentalConsent:
    status = consent_of(guardianships)
    by, earlier = consenting(guardianships, status), profile.parental_consent
    waiting = earlier.at if earlier and earlier.status in ("none", "pending") else None
    return ParentalConsent(
        required=profile.is_under_13(now),
        status=status,
        guardian_id=by.parent_id if by and status != "pending" else None,
        method=by.verification_method if by and status != "pending" else None,
        at=by.consent_at if by and status != "pending" else waiting or now,
        revision=(earlier.revision if earlier else 0) + 1,
    )
