"""What is done when the database was restored: who was erased since the copy is erased again.

The timer that looks after jobs compares the log of erasures with the database. An entry that the database does not know
means that it was restored to a moment before that; then a job goes through all profiles once, and promises the erasures
of those whom such entries name.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cosmos.jobs.jobs import Jobs
from cosmos.privacy.erasure_marks import ErasureMarks
from functions.core.parts import Parts
from functions.core.services import Services
from functions.jobs.kind import JobKind, Step, Work
from functions.jobs.watching import Watch
from functions.privacy import erasure
from functions.privacy.erasure_log import ErasureLog, ErasureNotes
from functions.privacy.noting import noting_all
from models.core.values import format_timestamp
from models.jobs.job import PLATFORM_JOBS, Job
from models.privacy.erasure_log import (
    ANY_KEY,
    MARKED_EVERY,
    REACH,
    SETTLED,
    Entry,
    ErasureMark,
    RestoreRecord,
    count_of,
    known_until,
)

AT_ONCE = 16
_IDS = uuid.UUID("0b7b1a52-9f5e-5d0f-9c1d-76696d617273")

log = logging.getLogger(__name__)


class UnknownKeyError(Exception):
    """Erasures were noted with a key that this app is not given: see `FORMER_PSEUDONYM_KEYS`."""


class LogLostError(Exception):
    """The log of erasures lacks what it has had: it is another one, or was cut."""


async def look_at_log(run: Watch) -> None:
    """Compares the log of erasures with the database, by one point read and one or two lists where nobody is erased.

    Raises:
        LogLostError: it lacks what it has had. What the database knows is noted in it again.
        azure.core.exceptions.AzureError, OSError: one of the two is out of reach.
    """
    erasures = run.services[ErasureNotes].log
    if erasures is None:
        return
    store = await run.services.store()
    mark = await store[ErasureMarks].read()
    since = known_until(mark, run.now)
    entries = await erasures.entries(since, run.now)
    if entries and (job := await store[Jobs].read(PLATFORM_JOBS, _job_id(mark))) and not job.has_ended:
        run.services.telemetry.erasures_unknown(job.request["unknown"])
        return  # it moves the mark; until then nobody needs to be looked for again
    unknown = await store[ErasureMarks].unknown(entries)
    if unknown:
        await _notice(run, store, mark, unknown)
    await _look_for_return(run, store, erasures, mark)
    await _look_for_loss(run, store, erasures, mark)
    run.services.telemetry.erasures_unknown(count_of(unknown))
    if not unknown:
        await _move(store, mark, entries, run.now)


async def _notice(run: Watch, store: Parts, mark: ErasureMark | None, unknown: Sequence[Entry]) -> None:
    """Promises that those are erased again whom the entries name: once for each state of the mark."""
    since, until = format_timestamp(known_until(mark, run.now)), format_timestamp(unknown[-1].moment)
    span = {"since": since, "until": until, "unknown": count_of(unknown)}
    job_id, at_once = _job_id(mark), timedelta(0)
    job = Job.promised(JOB.name, job_id, PLATFORM_JOBS, span, run.now, due=JOB.due, patience=at_once, asker="platform")
    if await store[Jobs].create(job) is job:
        log.error(
            "a restore was noticed: the database knows the log of erasures until %s; %d later ones are unknown to it",
            since,
            count_of(unknown),
        )


def _job_id(mark: ErasureMark | None) -> str:
    """The id of the job that erases again who is unknown after this mark."""
    return str(uuid.uuid5(_IDS, format_timestamp(mark.known_until) if mark else "never"))


async def _look_for_return(run: Watch, store: Parts, erasures: ErasureLog, mark: ErasureMark | None) -> None:
    """Erases again who had no account in the copy, and has come back since: by turns that were brought in once more."""
    if mark is None or not (mark.restored_since and mark.restored_until) or mark.restored_until < run.now - REACH:
        return
    newcomers = await store[ErasureMarks].came(mark.known_until)
    if not newcomers:
        return
    named = run.services[ErasureNotes].keys.named(
        newcomers, await erasures.entries(mark.restored_since, mark.restored_until)
    )
    for user_id, erasure_id in named.items():
        await erasure.promised_again(run.services, store, user_id, erasure_id, run.now)
    if named:
        log.warning("%d accounts that had been erased came back after the restore, and are erased again", len(named))


async def _look_for_loss(run: Watch, store: Parts, erasures: ErasureLog, mark: ErasureMark | None) -> None:
    """Has all erasures noted that the database knows where the log has never been seen, or lacks what it has had.

    Raises:
        LogLostError: the latter.
    """
    newest = Entry.parse(mark.newest or "") if mark else None
    if mark and (newest is None or newest.moment < run.now - REACH or await erasures.has(newest)):
        return
    because = f"{newest.name} is not there at {run.now:%Y%m%dT%H}" if newest else "there is no mark"
    await store[Jobs].create(noting_all(run.now - REACH, because, run.now))
    if newest:
        log.error("the log of erasures lacks what it has had: what the database knows is noted again")
        raise LogLostError


async def _move(store: Parts, mark: ErasureMark | None, entries: Sequence[Entry], now: datetime) -> None:
    """Moves the mark, if there is something new or it is old."""
    settled = now - SETTLED
    known = [entry.name for entry in entries if entry.moment <= settled]
    if known or mark is None or mark.known_until < settled - MARKED_EVERY:
        await store[ErasureMarks].move(settled, known[-1] if known else None)


async def _erase_again(work: Work) -> Step:
    """One page of profiles. After the last it waits for what is late, and moves the mark."""
    shared, marks, request = work.services, work.store[ErasureMarks], work.job.request
    since, until = (datetime.fromisoformat(request[name]).astimezone(UTC) for name in ("since", "until"))
    entries = await _log_of(shared).entries(since, until)
    progress = {"profiles": 0, "accounts": 0} | work.job.progress
    tried, continuation, is_through = work.job.position or [sorted(shared[ErasureNotes].keys.ids), None, False]
    if not is_through:
        page, continuation = await marks.accounts(continuation)
        named = shared[ErasureNotes].keys.named(page, entries)
        progress = {
            "profiles": progress["profiles"] + len(page),
            "accounts": progress["accounts"] + sum(await _promised(work, named)),
        }
        return Step(progress, [tried, continuation, continuation is None])
    untried = [entry for entry in entries if entry.key_id not in {ANY_KEY, *tried}]
    if await marks.unknown(untried):
        if set(tried) != shared[ErasureNotes].keys.ids:
            return Step(progress | {"profiles": 0})  # there are other keys now
        raise UnknownKeyError
    if work.now < until + SETTLED:
        return Step(progress, work.job.position, until + SETTLED - work.now)
    await marks.record(_record(work, since, until, progress))
    await marks.move(until, entries[-1].name if entries else None, restored_since=since)
    log.warning("after the restore %d accounts were erased again of %d profiles", *map(progress.get, PROGRESS))
    return Step(progress, is_last=True)


PROGRESS = ("accounts", "profiles")


async def _promised(work: Work, named: dict[str, str]) -> list[bool]:
    """Closes the accounts, and promises their erasures."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(user_id: str, erasure_id: str) -> bool:
        async with slots:
            return await erasure.promised_again(work.services, work.store, user_id, erasure_id, work.now)

    return list(await asyncio.gather(*(one(*item) for item in named.items())))


def _record(work: Work, since: datetime, until: datetime, progress: dict[str, Any]) -> RestoreRecord:
    return RestoreRecord(
        id=f"restore-{work.job.id}",
        noticed_at=work.job.asked_at,
        since=since,
        until=until,
        unknown=work.job.request["unknown"],
        profiles=progress["profiles"],
        accounts=progress["accounts"],
        ended_at=work.now,
    )


def _log_of(shared: Services) -> ErasureLog:
    erasures = shared[ErasureNotes].log
    if erasures is None:
        raise LookupError("this app has no log of erasures any more: see ERASURE_LOG")
    return erasures


JOB = JobKind(name="erase_again", step=_erase_again, due=timedelta(hours=2))
