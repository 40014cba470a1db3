"""An answer while it is made: a task of its own reads the model, and owns the record.

Whoever asked for it only looks on: if they go away, it is finished and recorded all the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from cosmos.accounts.users import Users
from cosmos.answers.answers import Answers, Heard, Lost
from cosmos.chat.turns import Recorded
from functions.answers.model import Delta, Finished, Model, ModelFailed, Piece, Used
from functions.answers.recording import recorded
from functions.core.parts import Parts
from functions.core.redaction import named, told
from functions.core.services import Services
from models.answers.answer import CHECKPOINT_SECONDS, LEASE, Answer, Ending
from models.answers.mended import Mended
from models.answers.request import PromptMessage
from models.chat.context import estimated_tokens
from models.chat.interaction import MAX_ANSWER, AnswerEnd
from models.core.errors import AccountClosed
from models.core.write_policy import Privacy
from models.usage.allowance import Allowance

_ENDS: dict[str, AnswerEnd] = {"length": "length", "content_filter": "filtered"}
"""By what a model says; whatever else it says, it has ended by itself."""

ELSEWHERE = "unavailable"
"""Somebody else records the answer: the same request again gets it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """What a model is asked.

    Attributes:
        seconds: The longest that the answer may take.
        patience: The longest that the model may say nothing.
        stores_texts: Whether the request wants its texts stored.
    """

    model: Model
    messages: Sequence[PromptMessage]
    max_tokens: int
    seconds: float
    patience: float
    stores_texts: bool


@dataclass(frozen=True)
class Result:
    """What became of an answer.

    Attributes:
        turn: None where nothing was recorded.
        problem: What went wrong, None if nothing did.
    """

    turn: Recorded | None
    end: AnswerEnd | None
    problem: ModelFailed | None


class Run:
    """One answer that this process makes.

    Attributes:
        allowance: As it was when the answer was admitted.
        pieces: What has come so far.
        task: Ends with the result.
    """

    def __init__(
        self, shared: Services, store: Parts, answer: Answer, asking: Asking, allowance: Allowance | None
    ) -> None:
        self.answer = answer
        self.allowance = allowance
        self.pieces: list[str] = []
        self._shared = shared
        self._store = store
        self._asking = asking
        self._characters = 0
        self._usage: dict[str, object] | None = None
        self._reason: str | None = None
        self._is_stopped = False
        self._lost: str | None = None
        self._reading: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self.task = asyncio.create_task(self._run(), context=Context())

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    async def moved(self) -> None:
        """Waits until there is more, or it has ended."""
        await self._moved.wait()

    def stop(self) -> None:
        """Has it end here: what has come is recorded."""
        self._is_stopped = True
        if self._reading is not None:
            self._reading.cancel()

    async def _run(self) -> Result:
        started = time.monotonic()
        try:
            result = await self._made()
        finally:
            self._tell()
        outcome = result.end or (result.problem.slug if result.problem else "not-found")
        self._shared.telemetry.answer(outcome, time.monotonic() - started)
        return result

    async def _made(self) -> Result:
        started = time.monotonic()
        failure = await self._listened()
        if self._lost is not None:
            return Result(None, None, ModelFailed(self._lost))
        failure = failure or self._silence()
        if failure is not None and not self.pieces and self._usage is None:
            await self._failed(failure)
            return Result(None, None, failure)
        end = self._end(failure)
        problem = ModelFailed("answer-broken-off", cause=failure.slug if failure else "model-failed")
        ending = Ending(
            end=end,
            usage=self._usage,
            response_length=self._characters,
            response_time_ms=round((time.monotonic() - started) * 1000),
            problem=problem.slug if end == "broken_off" else None,
            cause=problem.cause if end == "broken_off" else None,
        )
        turn = await self._recorded(ending)
        return Result(turn, end, problem if end == "broken_off" else None)

    async def _listened(self) -> ModelFailed | None:
        """Reads the model until it ends, is stopped, or takes too long; and gives signs of life meanwhile."""
        self._reading = asyncio.create_task(self._read())
        keeping = asyncio.create_task(self._keep(self._reading))
        if self._is_stopped:
            self._reading.cancel()
        try:
            await asyncio.wait({self._reading}, timeout=self._asking.seconds)
            is_late = not self._reading.done()
        finally:
            self._reading.cancel()
            keeping.cancel()
            await asyncio.gather(self._reading, keeping, return_exceptions=True)
        if self._reading.cancelled():
            return ModelFailed("model-slow") if is_late else None
        error = self._reading.exception()
        if error is None or isinstance(error, ModelFailed):
            return error
        log.error("a model was not understood: %s", told(error))
        return ModelFailed("model-failed")

    async def _read(self) -> None:
        async with aclosing(self._asking.model.stream(self._asking.messages, self._asking.max_tokens)) as pieces:
            await self._read_from(pieces)

    async def _read_from(self, pieces: AsyncGenerator[Piece]) -> None:
        mended = Mended()
        while True:
            try:
                async with asyncio.timeout(self._asking.patience):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise ModelFailed("model-slow") from None
            match piece:
                case Delta(text):
                    self._hear(mended.of(text))
                case Used(usage):
                    self._usage = usage
                case Finished(reason):
                    self._reason = reason
            if piece is None:
                self._hear(mended.rest)
                return
            if self._characters == MAX_ANSWER:
                self._reason = "length"
                return

    def _hear(self, text: str) -> None:
        if text := text[: MAX_ANSWER - self._characters]:
            self.pieces.append(text)
            self._characters += len(text)
            self._tell()

    async def _keep(self, reading: asyncio.Task[None]) -> None:
        """Renews the lease, and hears whether to stop. What can't be renewed for as long as it holds is lost."""
        heard_at = time.monotonic()
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            try:
                heard = await self._checkpoint()
            except Lost:
                self._lost = ELSEWHERE
            except AccountClosed:
                self._lost = "account-deleted"
            except AzureError as error:
                log.warning("an answer's lease could not be renewed: %s", named(error))
                self._lost = ELSEWHERE if time.monotonic() - heard_at > LEASE.total_seconds() / 2 else None
            else:
                heard_at = time.monotonic()
                self._is_stopped = self._is_stopped or heard.is_stopped
                self._lost = heard.barred
            if self._lost or self._is_stopped:
                reading.cancel()
                return

    async def _checkpoint(self) -> Heard:
        """A sign of life."""
        text = self.text
        stored = text if await self._stores_texts() else None
        now = datetime.now(UTC)
        return await self._store[Answers].checkpoint(self.answer, now, stored, estimated_tokens(text))

    async def _stores_texts(self) -> bool:
        """Whether what was said may be stored: by what the user consents to now."""
        profile = await self._store[Users].recent(self.answer.partition_key)
        consents = profile is not None and profile.write_policy(self._shared[Privacy]).texts
        return consents and self._asking.stores_texts

    def _silence(self) -> ModelFailed | None:
        """Why there is nothing, of a model that ended without a word."""
        if self.pieces or self._is_stopped:
            return None
        if self._reason == "content_filter":
            return ModelFailed("answer-refused")
        return None if self._usage else ModelFailed("model-failed")

    def _end(self, failure: ModelFailed | None) -> AnswerEnd:
        if self._is_stopped:
            return "stopped"
        if failure is not None or self._reason is None:
            return "broken_off"
        return _ENDS.get(self._reason, "complete")

    async def _failed(self, failure: ModelFailed) -> None:
        try:
            await self._store[Answers].fail(self.answer, None, failure.slug)
        except (Lost, AzureError) as error:
            log.warning("an answer could not be given up: %s", named(error))

    async def _recorded(self, ending: Ending) -> Recorded | None:
        text = self.text
        try:
            stored = text if await self._stores_texts() else None
            now = datetime.now(UTC)
            tokens = estimated_tokens(text)
            self.answer = await self._store[Answers].end(self.answer, now, ending, stored, tokens)
            return await recorded(self._shared, self._store, self.answer)
        except (Lost, AccountClosed):
            return None

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
