"""Container `user_sessions`: the one document that says how much a user may still use, and the decisions on it.

An admission is decided on the document as it is read, and holds only if nobody has written it since. A turn is counted
by increments, in the transaction that numbers it: see `counting`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from cosmos.core.database import Database, Item, Stored
from cosmos.core.patching import in_tens
from cosmos.core.reading import read_or_none
from cosmos.core.status import OUTRUN, PRECONDITION_FAILED
from models.accounts.limits import Limits
from models.core.errors import AccountClosed, ConsentRequired, Contention, MadeByServer, TooManyTurns
from models.core.identity import Recorder
from models.core.tombstone import is_tombstone
from models.usage.allowance import (
    ALLOWANCE_ID,
    AdmissionRequest,
    Admitted,
    Allowance,
    Refused,
    Spent,
    decide,
    increments,
    settling,
)
from models.usage.windows import Clock
from models.usage.write_limit import Writing, seconds_to_next_minute

ATTEMPTS = 30
"""Each loss is somebody else's success. In one process the admissions of a user wait for each other instead."""

USABLE = 'c.kind = "allowance" AND (NOT IS_DEFINED(c.barred) OR c.barred = false)'
"""Condition on an allowance: that of somebody who is erased, or whose guardian does not consent, takes nothing."""

_LONGEST_PAUSE = timedelta(milliseconds=40)


async def create_allowance(container: ContainerProxy, user_id: str, users: ContainerProxy | None = None) -> None:
    """Makes a user's allowance, unless it is there.

    Args:
        users: Where to look whether they need a guardian's consent; None for somebody who has no profile yet.
    """
    allowance, profile = Allowance.of(user_id), await read_or_none(users, user_id, user_id) if users else None
    consent = (profile or {}).get("parental_consent")
    if consent and consent["required"] and consent["status"] != "granted":
        allowance = allowance.model_copy(update={"barred": True, "bar_revision": consent["revision"]})
    try:
        await container.create_item(allowance.body())
    except CosmosResourceExistsError:
        return


def counting(spent: Iterable[Spent], clock: Clock, writing: Writing | None = None) -> list[Any]:
    """What a transactional batch does to the allowance when turns are recorded: as `models.usage.allowance.settle`.

    Up to 12 counters, what is written and one settled admission for each turn, ten to an operation. The allowance must
    exist. A tombstone in its place fails the batch: of a user who is erased nothing is counted, so no turn can be
    recorded. So does more than may be written within the minute: see `why_refused`.
    """
    turns = list(spent)
    counters = increments(turns, clock)
    if writing and turns:
        counters |= {writing.key(clock): writing.weight}
    changes: list[dict[str, Any]] = [
        {"op": "incr", "path": f"/used/{key}", "value": amount} for key, amount in counters.items()
    ]
    changes += [{"op": "set", "path": f"/settled/{name}", "value": True} for name in settling(turns)]
    if turns and not changes:  # of a day that is over nothing counts, and yet it asks whether it may be recorded
        changes = [{"op": "incr", "path": "/bar_revision", "value": 0}]
    conditions = [USABLE, *([writing.condition(clock)] if writing else [])]
    holds = {"filter_predicate": f"FROM c WHERE {' AND '.join(conditions)}"}
    return [("patch", (ALLOWANCE_ID, part), *([] if n else [holds])) for n, part in enumerate(in_tens(changes))]


async def why_refused(container: ContainerProxy, user_id: str, clock: Clock) -> Exception:
    """Why nothing can be counted in an allowance that is there."""
    stored = await read_or_none(container, ALLOWANCE_ID, user_id)
    if stored is not None and is_tombstone(stored):
        return AccountClosed("deleted")
    if stored is not None and stored.get("barred"):
        return ConsentRequired()
    return TooManyTurns(seconds_to_next_minute(clock))


Beside = Callable[[], Sequence[Any]]


class Allowances:
    """Reads allowances, and decides admissions on them."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_sessions
        self._users = database.users
        self._turnstiles: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, user_id: str) -> Allowance:
        """A user's allowance, by one point read; an empty one if there is none yet.

        Raises:
            AccountClosed: the account is deleted.
        """
        stored = await self._stored(user_id)
        return stored.document if stored else Allowance.of(user_id)

    async def reserve(
        self, user_id: str, request: AdmissionRequest, limits: Limits, clock: Clock, beside: Beside = tuple
    ) -> Admitted | Refused:
        """Decides an admission; a reservation is durable when this returns.

        Args:
            beside: Gives further operations of the transaction that makes a reservation, at each attempt to write it.
                What it raises ends the attempts.

        Raises:
            KeyReused: another request has been admitted under the same id.
            AdmissionSettled: its turn has been counted.
            AccountClosed: the account is deleted.
            Contention: others wrote the allowance every time. Safe to try again.
            CosmosBatchOperationError: one of the operations beside failed; the allowance is the first of all.
        """
        async with self._turnstiles.setdefault(user_id, asyncio.Lock()):
            for _ in range(ATTEMPTS):
                stored = await self._stored(user_id)
                decision = decide(stored.document if stored else Allowance.of(user_id), limits, request, clock)
                if isinstance(decision, Refused) or not decision.changed:
                    return decision
                if await self._written(decision.allowance, stored.etag if stored else None, beside()):
                    return decision
                await asyncio.sleep(random.random() * _LONGEST_PAUSE.total_seconds())  # noqa: S311  # no secret
        raise Contention(f"an admission lost {ATTEMPTS} times")

    async def release(self, user_id: str, admission_id: str, by: Recorder) -> None:
        """Ends a reservation, if there is one that has not been ended.

        Raises:
            MadeByServer: a user would end what a server reserved.
        """
        held = f'c.reservations["{admission_id}"]'
        theirs = "" if by == "server" else f' AND (NOT IS_DEFINED({held}.made_by) OR {held}.made_by = "user")'
        try:
            await self._container.patch_item(
                ALLOWANCE_ID,
                user_id,
                [{"op": "remove", "path": f"/reservations/{admission_id}"}],
                filter_predicate=f"FROM c WHERE IS_DEFINED({held}){theirs}",
            )
        except CosmosResourceNotFoundError:
            return
        except CosmosHttpResponseError as error:
            if error.status_code != PRECONDITION_FAILED:
                raise
            if by == "user" and await self._is_reserved_by_server(user_id, admission_id):
                raise MadeByServer from None

    async def _is_reserved_by_server(self, user_id: str, admission_id: str) -> bool:
        stored = await self._stored(user_id)
        held = stored.document.reservations.get(admission_id) if stored else None
        return held is not None and held.made_by == "server"

    async def _stored(self, user_id: str) -> Stored[Allowance] | None:
        item = await read_or_none(self._container, ALLOWANCE_ID, user_id)
        if item and is_tombstone(item):
            raise AccountClosed("deleted")
        return Stored(Allowance.parse(item), item["_etag"]) if item else None

    async def _written(self, allowance: Allowance, etag: str | None, beside: Sequence[Any]) -> bool:
        """Whether the allowance could be written over the state with this ETag, or as a new one without."""
        if beside:
            return await self._written_with(_operation(allowance.body(), etag), beside, allowance.partition_key)
        try:
            if etag is None:
                await self._container.create_item(allowance.body())
            else:
                await self._container.replace_item(
                    ALLOWANCE_ID, allowance.body(), etag=etag, match_condition=MatchConditions.IfNotModified
                )
        except (CosmosAccessConditionFailedError, CosmosResourceExistsError):
            return False
        return True

    async def _written_with(self, operation: Any, beside: Sequence[Any], user_id: str) -> bool:
        """The same, in one transaction with other operations."""
        try:
            await self._container.execute_item_batch([operation, *beside], user_id)
        except CosmosBatchOperationError as error:
            if error.error_index == 0 and error.status_code in OUTRUN:
                return False
            raise
        return True


def _operation(body: Item, etag: str | None) -> Any:
    if etag is None:
        return ("create", (body,))
    return ("replace", (ALLOWANCE_ID, body), {"if_match_etag": etag})
