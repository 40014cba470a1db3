"""Container `user_sessions`: answers that a model is asked for, from the claim of the call to the turn that it becomes.

Who may write an answer is said by its `holder`: each write asks that it still is. So of two processes that would end
one answer, one does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos.exceptions import CosmosBatchOperationError

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.patching import patch, set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.status import CONFLICT, NOT_FOUND, PRECONDITION_FAILED
from cosmos.core.swapping import Outrun
from cosmos.usage.allowances import Allowances
from models.accounts.limits import Limits
from models.answers.answer import LEASE, Answer, AnswerOrigin, AnswerStatus, Ending
from models.core.errors import AdmissionSettled, Contention, KeyReused, NotFound
from models.core.tombstone import is_tombstone
from models.core.values import format_timestamp
from models.usage.allowance import ALLOWANCE_ID, AdmissionRequest, Admitted, Allowance, Refused
from models.usage.windows import Clock

ABANDONED_AT_ONCE = 500
"""So many are looked after within a minute: more than an instance makes at once."""

PER_REQUEST = 100

_SESSION_IS_THERE = 'FROM c WHERE c.kind = "session" AND (NOT IS_DEFINED(c.deleted_at) OR IS_NULL(c.deleted_at))'
_GONE = (NOT_FOUND, PRECONDITION_FAILED)


@dataclass(frozen=True)
class Begun:
    """An answer whose call of the model is claimed.

    Attributes:
        is_own: Whether by this request, and not by one before.
        allowance: With its reservation in it, if that is known.
    """

    answer: Answer
    is_own: bool
    allowance: Allowance | None = None


@dataclass(frozen=True)
class Heard:
    """What a process hears when it gives a sign of life."""

    is_stopped: bool
    """By its user, on whichever instance."""

    barred: str | None
    """Why nothing may be used any more, as the last part of a problem's type: the account is erased, or a guardian's
    consent withdrawn."""


class Lost(Exception):
    """An answer is not its process's any more: somebody has taken it over, or erased it."""


class Answers:
    """Writes and reads answers."""

    def __init__(self, database: Database, allowances: Allowances) -> None:
        self._container = database.user_sessions
        self._allowances = allowances

    async def begin(
        self, answer: Answer, request: AdmissionRequest, limits: Limits, clock: Clock, lease: Callable[[], datetime]
    ) -> Begun | Refused:
        """Reserves what a call of the model may take, and claims it, in one transaction.

        Args:
            lease: Until when the claim holds that is written now: attempts may wait for others. What it raises ends
                them.

        Raises:
            NotFound: the user has no such session.
            KeyReused: another answer was asked for under this id.
            ConsentRequired, AccountClosed: nothing may be used.
            Contention: others wrote the allowance every time. Safe to try again.
            azure.core.exceptions.AzureError: it could not be told, and the call is not claimed as far as is known.
        """
        untouched = [{"op": "incr", "path": "/last_sequence", "value": 0}]
        user_id = answer.partition_key

        def beside() -> list[Any]:
            claim = answer.model_copy(update={"lease_until": lease()})
            return [
                ("patch", (answer.session_id, untouched), {"filter_predicate": _SESSION_IS_THERE}),
                ("create", (claim.body(),)),
            ]

        try:
            decision = await self._allowances.reserve(user_id, request, limits, clock, beside)
        except AdmissionSettled:
            return await self._earlier(answer)
        except CosmosBatchOperationError as error:
            if error.error_index == 1 and error.status_code in _GONE:
                raise NotFound("session") from None
            if error.error_index == 2 and error.status_code == CONFLICT:
                return await self._earlier(answer)
            raise
        except AzureError:  # it may have been written all the same
            if found := await self.find(user_id, answer.answer_id):
                return _begun(found, answer)
            raise
        if isinstance(decision, Admitted):
            return Begun(answer, True, decision.allowance) if decision.changed else await self._earlier(answer)
        earlier = await self.find(user_id, answer.answer_id)
        return _begun(earlier, answer) if earlier else decision

    async def read(self, user_id: str, session_id: str, answer_id: str) -> Answer:
        """An answer, by one point read.

        Raises:
            NotFound: there is none in that session.
        """
        answer = await self.find(user_id, answer_id)
        if answer is None or answer.session_id != session_id:
            raise NotFound("answer")
        return answer

    async def find(self, user_id: str, answer_id: str) -> Answer | None:
        item = await read_or_none(self._container, Answer.id_of(answer_id), user_id, ["answer"])
        return Answer.parse(item) if item else None

    async def checkpoint(self, answer: Answer, now: datetime, text: str | None, output_tokens: int) -> Heard:
        """A sign of life, with what has come so far; by one request.

        Args:
            text: None where it is not to be stored.

        Raises:
            Lost: the answer is not this holder's any more.
        """
        fields = {
            "lease_until": format_timestamp(now + LEASE),
            "text": text,
            "output_tokens": output_tokens,
        }
        operations: list[Any] = [
            ("patch", (answer.id, set_fields(fields)), {"filter_predicate": f"FROM c WHERE {_held(answer)}"}),
            ("read", (ALLOWANCE_ID,)),
        ]
        try:
            results = await self._container.execute_item_batch(operations, answer.partition_key)
        except CosmosBatchOperationError as error:
            if error.status_code in _GONE:
                raise Lost from None
            raise
        stored, allowance = (result["resourceBody"] for result in results)
        barred = "consent-required" if allowance.get("barred") else None
        barred = "account-deleted" if is_tombstone(allowance) else barred
        return Heard(is_stopped=stored.get("stop_asked_at") is not None, barred=barred)

    async def end(self, answer: Answer, now: datetime, ending: Ending, text: str | None, output_tokens: int) -> Answer:
        """Decides what an answer was, once: from then on it is what is recorded.

        Raises:
            Lost: the answer is not this holder's any more.
        """
        fields: dict[str, Any] = {
            "status": "ended",
            "ending": ending.model_dump(mode="json"),
            "text": text,
            "output_tokens": output_tokens,
            "lease_until": format_timestamp(now + LEASE),
        }
        return Answer.parse(await self._patched(answer, fields, _held(answer)))

    async def take_over(self, answer: Answer, now: datetime, holder: str) -> Answer:
        """An answer whose lease has expired, as its new holder has it: it has ended.

        Raises:
            Lost: somebody else was faster, or its process is there after all.
        """
        fields: dict[str, Any] = {"holder": holder, "lease_until": format_timestamp(now + LEASE)}
        if answer.status == "running":
            fields |= {"status": "ended", "ending": answer.broken_off(now).model_dump(mode="json")}
        lease = format_timestamp(answer.lease_until) if answer.lease_until else ""
        as_read = f'c.status = "{answer.status}" AND c.holder = "{answer.holder}" AND c.lease_until = "{lease}"'
        return Answer.parse(await self._patched(answer, fields, as_read))

    async def close(self, answer: Answer, status: AnswerStatus, ttl: int | None, problem: str | None = None) -> None:
        """Says that an answer is recorded, or that it failed, and keeps nothing of what was said.

        Args:
            ttl: Seconds to keep it; None for the container's own.
            problem: Why it failed.
        """
        ending = answer.ending or Ending(end="broken_off", problem=problem)
        kept = ending.model_copy(update={"usage": None}).model_dump(mode="json")
        fields: dict[str, Any] = {"status": status, "ending": kept, "lease_until": None, "text": None, "turn": {}}
        fields |= {"told": None, "origin": AnswerOrigin().model_dump(mode="json")}
        keep = {"op": "set", "path": "/ttl", "value": ttl} if ttl else {"op": "remove", "path": "/ttl"}
        held = f'c.holder = "{answer.holder}" AND c.status IN ("running", "ended")'
        try:
            operations = [*set_fields(fields), keep]
            await patch(self._container, answer.id, answer.partition_key, operations, held)
        except Outrun:
            raise Lost from None

    async def fail(self, answer: Answer, ttl: int | None, problem: str) -> None:
        """Says that nothing came and nothing was used, and releases what was reserved. May be repeated.

        Raises:
            Lost: the answer is not this holder's any more.
        """
        await self.close(answer, "failed", ttl, problem)
        await self._allowances.release(answer.partition_key, answer.answer_id, by="server")

    async def ask_to_stop(self, user_id: str, session_id: str, answer_id: str, now: datetime) -> None:
        """Has whoever makes an answer stop it. One that has ended stays as it is.

        Raises:
            NotFound: there is none in that session.
        """
        running = f'c.kind = "answer" AND c.status = "running" AND c.session_id = "{session_id}"'
        fields = {"stop_asked_at": format_timestamp(now)}
        try:
            await patch(self._container, Answer.id_of(answer_id), user_id, set_fields(fields), running)
        except Outrun:
            await self.read(user_id, session_id, answer_id)

    async def abandoned(self, now: datetime) -> list[Answer]:
        """Some of all users' answers whose leases have expired: by an index, in all partitions."""
        query = 'SELECT * FROM c WHERE c.kind = "answer" AND c.lease_until <= @now'
        parameters = {"now": format_timestamp(now)}
        found: list[Item] = []
        continuation: str | None = None
        while len(found) < ABANDONED_AT_ONCE:
            rows, continuation = await page_of(self._container, query, parameters, PER_REQUEST, continuation, None)
            found += rows
            if continuation is None:
                break
        return [Answer.parse(item) for item in found]

    async def _earlier(self, answer: Answer) -> Begun:
        """What was asked for under the same id before: by this request, too, if a write of it was sent twice.

        Raises:
            KeyReused: something else.
            Contention: it has gone just now.
        """
        earlier = await self.find(answer.partition_key, answer.answer_id)
        if earlier is None:
            raise Contention("an answer was there, and is not")
        return _begun(earlier, answer)

    async def _patched(self, answer: Answer, fields: Mapping[str, Any], condition: str) -> Item:
        try:
            return await patch(self._container, answer.id, answer.partition_key, set_fields(dict(fields)), condition)
        except Outrun:
            raise Lost from None


def _held(answer: Answer) -> str:
    return f'c.status = "running" AND c.holder = "{answer.holder}"'


def _begun(earlier: Answer, answer: Answer) -> Begun:
    if earlier.request_hash != answer.request_hash or earlier.session_id != answer.session_id:
        raise KeyReused
    return Begun(earlier, is_own=earlier.holder == answer.holder)
