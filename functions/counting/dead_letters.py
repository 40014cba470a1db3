"""Dead letters, for admins: what the fold could not count, and counting it once the cause is gone."""

from __future__ import annotations

import asyncio

from pydantic import Field

from cosmos.counting.dead_letters import DeadLetters, RedriveOutcome
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.core.document import Message
from models.counting.actions import READ_DEAD_LETTERS, REDRIVE
from models.counting.dead_letter import DeadLetter

routes = Routes()

LETTERS_PER_REQUEST = 25
LETTERS_AT_ONCE = 5


class LetterName(Message):
    """Which letter, as the list shows it."""

    partition_key: str = Field(min_length=1, max_length=255)
    id: str = Field(pattern=r"^dead-letter-[0-9a-f]{32}$")


class Redrive(Message):
    """The letters to drive again."""

    letters: list[LetterName] = Field(min_length=1, max_length=LETTERS_PER_REQUEST)


class Redriven(Message):
    """What became of one letter."""

    partition_key: str
    id: str
    outcome: RedriveOutcome = Field(
        description="`folded`; `failed`, it still can't be folded; `source_gone`, the document has been deleted since, "
        "and the letter with it; `absent`, there is no such letter (any more)"
    )


class RedriveResults(Message):
    """What became of each letter, in the order of the request."""

    items: list[Redriven]


@routes.operation(
    "GET",
    "admin/dead-letters",
    summary="The changes that could not be counted, in no particular order",
    action=READ_DEAD_LETTERS,
    query=Paged,
    returns=Page[DeadLetter],
)
async def list_dead_letters(call: Call[None]) -> Page[DeadLetter]:
    letters, following = await call.store[DeadLetters].page(call.query.limit, verified_continuation(call))
    return Page(items=letters, continuation=signed_continuation(call, following))


@routes.operation(
    "POST",
    "admin/dead-letters",
    summary="Count again what could not be counted; safe to repeat",
    action=REDRIVE,
    body=Redrive,
    returns=RedriveResults,
    repeatable=True,
)
async def redrive_dead_letters(call: Call[Redrive]) -> RedriveResults:
    """Counts each document as it is now. It is counted once, however often this is sent."""
    slots = asyncio.Semaphore(LETTERS_AT_ONCE)

    async def redriven(letter: LetterName) -> Redriven:
        async with slots:
            outcome = await call.store[DeadLetters].redrive(letter.partition_key, letter.id, call.now)
        return Redriven(partition_key=letter.partition_key, id=letter.id, outcome=outcome)

    return RedriveResults(items=list(await asyncio.gather(*map(redriven, call.body.letters))))
