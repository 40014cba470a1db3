"""What a kind of job is: one declaration, by which its documents are driven, watched over and shown.

A module that promises work declares its kind where the work is described, and `function_app.py` lists it. A step takes
the job as it is, does some of the work, and says where to go on. It may be repeated from the same place, by several at
once, and be cut off anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from azure.core.exceptions import AzureError

from functions.core.parts import Parts
from functions.core.redaction import told
from functions.core.services import Services
from models.core.errors import Contention
from models.jobs.job import Job

AT_ONCE = 4
TRIES = 5
"""How often a step is tried that fails for one of several users, before it goes on without that one."""

log = logging.getLogger(__name__)

One = TypeVar("One")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Work:
    """What a step is given: the job as it is, what to work with, and the time."""

    job: Job
    services: Services
    store: Parts
    now: datetime


@dataclass(frozen=True)
class Step:
    """What a step came to.

    Attributes:
        progress: What the job has done so far, this step included.
        position: Where the next one goes on, as JSON.
        wait: What the next one has to wait for.
        is_last: Whether all is done.
    """

    progress: dict[str, Any]
    position: Any = None
    wait: timedelta = timedelta(0)
    is_last: bool = False


@dataclass(frozen=True)
class JobKind:
    """A kind of job.

    Attributes:
        name: As documents and staff name it.
        step: Does some of the work.
        due: How long it should take at most: staff are told of one that takes longer.
        kept: How long its document stays once it has ended; None lets it go at once.
    """

    name: str
    step: Callable[[Work], Awaitable[Step]]
    due: timedelta
    kept: timedelta | None = timedelta(days=7)


async def for_each(work: Work, ones: Sequence[One], do: Callable[[One], Awaitable[Result]]) -> list[Result | None]:
    """Does something for each of several users, some at once; None for those for whom it can't be done.

    Raises:
        azure.core.exceptions.AzureError, Contention: it may be tried again, all of it, and was not yet too often.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def done(one: One) -> Result | None:
        async with slots:
            try:
                return await do(one)
            except Exception as error:  # a defect, or a document that is not valid: it must not hold up the others
                if isinstance(error, AzureError | Contention) and work.job.failures < TRIES:
                    raise
                log.warning("%s failed for a user: %s", work.job.job, told(error))
                return None

    return list(await asyncio.gather(*map(done, ones)))
