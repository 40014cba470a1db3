"""How erasures come into their log: when they are promised, by their job, or by a job of its own if it is out of reach.

Nothing else waits for the log: an account is closed, and erased, whether it can be noted or not.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta

from cosmos.jobs.jobs import Jobs
from cosmos.privacy.erasure_marks import ErasureMarks
from functions.core.redaction import named
from functions.core.services import Services
from functions.jobs.kind import JobKind, Step, Work
from functions.privacy.erasure_log import OUT_OF_REACH, ErasureLog, ErasureNotes
from models.core.values import format_timestamp
from models.jobs.job import PLATFORM_JOBS, Job
from models.privacy.erasure_log import ANY_KEY, Entry

NOTE_SECONDS = 2.0
"""What noting may take before others go on."""

AT_ONCE = 16

_IDS = uuid.UUID("6f9d2c1e-3b0a-5f4c-8a55-76696d617273")

log = logging.getLogger(__name__)


async def noted(shared: Services, erasure: Job) -> bool:
    """Whether an erasure that was promised is in the log now, or there is none; within `NOTE_SECONDS`."""
    erasures = shared[ErasureNotes].log
    if erasures is None:
        return True
    try:
        async with asyncio.timeout(NOTE_SECONDS):
            await erasures.note(_entry_of(shared, erasure))
    except OUT_OF_REACH as error:
        log.warning("the log of erasures is out of reach: %s", named(error))
        return False
    return True


async def noted_or_promised(work: Work) -> None:
    """Notes the erasure that a job is about; if that can't be done now, it is promised to be."""
    if not await noted(work.services, work.job):
        entry = _entry_of(work.services, work.job)
        await work.store[Jobs].create(_job({"entry": entry.name}, entry.name, work.now))


def noting_all(since: datetime, because: str, now: datetime) -> Job:
    """The job that notes every erasure which the database knows since then. For the same reason it is the same job."""
    return _job({"since": format_timestamp(since)}, because, now)


def _entry_of(shared: Services, erasure: Job) -> Entry:
    key_id = shared[ErasureNotes].keys.of(erasure.partition_key, erasure.id)
    return Entry(erasure.asked_at, erasure.id, key_id)


def _job(request: dict[str, str], name: str, now: datetime) -> Job:
    """Nobody drives it yet: the timer that looks after jobs sees to that."""
    job_id, at_once = str(uuid.uuid5(_IDS, name)), timedelta(0)
    return Job.promised(JOB.name, job_id, PLATFORM_JOBS, request, now, due=JOB.due, patience=at_once, asker="platform")


async def _note(work: Work) -> Step:
    """One entry, or one page of those that the database knows."""
    erasures = work.services[ErasureNotes].log
    if erasures is None:
        return Step(work.job.progress, is_last=True)
    if entry := Entry.parse(work.job.request.get("entry", "")):
        await erasures.note(entry)
        return Step({"noted": 1}, is_last=True)
    since = datetime.fromisoformat(work.job.request["since"]).astimezone(UTC)
    rows, following = await work.store[ErasureMarks].receipts(since, work.job.position)
    await _all_noted(erasures, [Entry(datetime.fromisoformat(row["requested_at"]), row["id"], ANY_KEY) for row in rows])
    progress = {"noted": work.job.progress.get("noted", 0) + len(rows)}
    return Step(progress, following, is_last=following is None)


async def _all_noted(erasures: ErasureLog, entries: list[Entry]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(entry: Entry) -> None:
        async with slots:
            await erasures.note(entry)

    await asyncio.gather(*map(one, entries))


JOB = JobKind(name="noting", step=_note, due=timedelta(hours=1))
