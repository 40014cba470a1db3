"""An answer that has ended becomes a turn: by whoever made it, or by whoever finds that nobody does any more."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from cosmos.accounts.users import Users
from cosmos.answers.answers import Answers, Lost
from cosmos.chat.names import PlatformNames
from cosmos.chat.turns import Recorded, Turns
from functions.core.api import LONGEST_SECONDS
from functions.core.parts import Parts
from functions.core.redaction import named, told
from functions.core.services import Services
from functions.jobs.watching import Watch
from models.answers.answer import Answer, draft_of
from models.core.errors import AccountClosed, ConsentRequired, Contention, NotFound
from models.core.write_policy import Privacy
from models.usage.pricing import PriceTable
from models.usage.windows import Clock

PAUSES = (0.2, 1.0, 3.0)
"""Seconds between attempts. What fails even then is recorded by whoever finds its lease expired."""

AT_ONCE = 16

log = logging.getLogger(__name__)


async def recorded(shared: Services, store: Parts, answer: Answer) -> Recorded | None:
    """The turn of an answer that has ended, recorded once whoever asks; None if there may be none any more.

    The account is looked at anew: an answer may take longer than a request, after which an erasure counts on nobody
    writing. So are the user's consents.

    Raises:
        azure.core.exceptions.AzureError, Contention, TimeoutError: it could not be told; somebody else does it later.
        Lost: somebody else does it.
    """
    for pause in PAUSES:
        try:
            return await _recorded(shared, store, answer)
        except (AzureError, Contention, TimeoutError) as error:
            log.warning("an answer could not be recorded yet: %s", named(error))
            await asyncio.sleep(pause)
    return await _recorded(shared, store, answer)


async def _recorded(shared: Services, store: Parts, answer: Answer) -> Recorded | None:
    async with asyncio.timeout(LONGEST_SECONDS):
        try:
            profile = await store[Users].recent(answer.partition_key)
            if profile is None:
                raise Lost
            policy = profile.write_policy(shared[Privacy])
            draft = draft_of(answer)
            store[PlatformNames].learn({"model": draft.turn.names(shared[PriceTable])["model"]})
            clock = Clock(datetime.now(UTC), profile.counting_zone)
            (done,) = await store[Turns].record(answer.partition_key, answer.session_id, [draft], clock, policy)
        except AccountClosed:
            raise Lost from None
        except (ConsentRequired, NotFound) as error:
            log.warning("an answer has no place any more: %s", named(error))
            await store[Answers].fail(answer, None, "not-found")
            return None
        await store[Answers].close(answer, "recorded", policy.session_ttl)
        return done


async def settled(shared: Services, store: Parts, answer: Answer) -> Answer:
    """The answer, taken over and recorded as broken off if whoever made it has not been heard of for its lease.

    Raises:
        NotFound: it is gone.
    """
    now = datetime.now(UTC)
    if not answer.is_abandoned(now):
        return answer
    try:
        taken = await store[Answers].take_over(answer, now, str(uuid.uuid4()))
        shared.telemetry.answer("abandoned", taken.ending.response_time_ms / 1000 if taken.ending else 0.0)
        await recorded(shared, store, taken)
    except Lost:
        log.info("an abandoned answer was settled by somebody else")
    return await store[Answers].read(answer.partition_key, answer.session_id, answer.answer_id)


async def look_after_answers(run: Watch) -> None:
    """Records what answers were that nobody makes any more: their processes ended."""
    store = await run.services.store()
    found = await store[Answers].abandoned(run.now)
    slots = asyncio.Semaphore(AT_ONCE)

    async def settle(answer: Answer) -> bool:
        async with slots:
            try:
                await settled(run.services, store, answer)
            except Exception as error:  # the boundary of one answer: the others are looked after whatever it is
                log.error("an abandoned answer could not be settled: %s", told(error))
                return False
        return True

    done = sum(await asyncio.gather(*map(settle, found)))
    log.info("answers: %d were abandoned, %d settled", len(found), done)
