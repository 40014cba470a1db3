"""One request for an answer, on its way to the model: what it may take is reserved, and the call is claimed."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from cosmos.answers.answers import Answers
from cosmos.chat.history import History
from cosmos.chat.names import PlatformNames
from functions.answers.model import Model
from functions.answers.offers import Offers
from functions.answers.recording import settled
from functions.answers.run import Asking, Run
from functions.answers.runs import Runs
from functions.core import problems
from functions.core.call import Call
from functions.core.problems import GivenUp
from functions.usage.admissions import check_priced, limit_reached
from functions.usage.bounds import check_tokens
from models.accounts.limits import Limits, effective
from models.accounts.profile import UserProfile
from models.answers.answer import LEASE, Answer, AnswerOrigin, question_told
from models.answers.request import AnswerRequest, Room, fixed_tokens, prompt, room
from models.chat.context import Context
from models.chat.names import Dimension
from models.core.identity import request_id_of
from models.core.write_policy import Privacy
from models.usage.allowance import AdmissionRequest, Allowance, Refused
from models.usage.pricing import Asked, PriceTable
from models.usage.rate_limit import rate_limit_headers
from models.usage.windows import Clock

SETTLING = timedelta(seconds=120)
"""What a reservation outlives the longest answer and its lease by: a timer looks every minute for what is to be
settled."""


def reserved_for(reservation_seconds: float, answer_seconds: float) -> timedelta:
    """How long a reservation for an answer holds: longer than the longest answer, its lease and its settlement."""
    longest = timedelta(seconds=answer_seconds) + LEASE + SETTLING
    return max(timedelta(seconds=reservation_seconds), longest)


class Making:
    """One request for an answer, on its way to the model."""

    def __init__(self, call: Call[AnswerRequest], profile: UserProfile) -> None:
        self._call = call
        self._profile = profile
        self._settings = call.services.settings
        self._is_given_up = False
        self._policy = profile.write_policy(call.services[Privacy])
        self._clock = Clock(call.now, profile.counting_zone)
        self._limits: Limits = effective(self._settings.limits, profile.limit_override, call.now)

    async def begun(self) -> Run | Answer:
        """The answer, being made here; or one that was asked for by the same key before.

        Raises:
            Problem: it is refused.
        """
        call, body = self._call, self._call.body
        name, model = call.services[Offers].named(body.model)
        space = room(body, model.context_window, model.max_output_tokens)
        if space is None:
            raise problems.known("too-long-for-model")
        session_id = call.uuid("session_id")
        asked = await call.services[Offers].model(name)  # first, because it may have to be loaded
        context = await self._context(session_id, space)
        answer = self._answer(name, session_id, context.tokens)
        started = self._started(answer, self._admission(answer, space), self._asking(asked, space, context))
        try:
            begun = await call.services[Runs].through(started)
        except asyncio.CancelledError:
            self._is_given_up = True
            raise
        if isinstance(begun, Answer):
            return await settled(call.services, call.store, begun)
        return begun

    async def _started(self, answer: Answer, request: AdmissionRequest, asking: Asking) -> Run | Answer:
        """The claim, and at once the call: whoever claims has to call, also if the request is given up meanwhile."""
        call = self._call
        begun = await call.store[Answers].begin(answer, request, self._limits, self._clock, self._lease)
        if isinstance(begun, Refused):
            call.services.telemetry.admission((begun.window, begun.measure))
            raise limit_reached(begun, self.headers(begun.allowance))
        if not begun.is_own:
            return begun.answer
        call.services.telemetry.admission(None)
        return call.services[Runs].start(call.services, call.store, begun.answer, asking, begun.allowance)

    def _lease(self) -> datetime:
        """Until when a claim holds that is written now.

        Raises:
            GivenUp: nobody waits for the answer any more, and it is not claimed yet.
        """
        if self._is_given_up:
            raise GivenUp
        return datetime.now(UTC) + LEASE

    async def _context(self, session_id: str, space: Room) -> Context:
        return await self._call.store[History].context(self._profile.id, session_id, space.context, None)

    def headers(self, allowance: Allowance | None) -> dict[str, str]:
        return rate_limit_headers(allowance, self._limits, self._clock)

    def _answer(self, name: str, session_id: str, context_tokens: int) -> Answer:
        call, body, user_id = self._call, self._call.body, self._profile.id
        key = call.idempotency_key
        answer_id = request_id_of(user_id, f"sessions/{session_id}/answers", key) if key else str(uuid.uuid4())
        model, provider = call.services[Offers].in_turns(name)
        stored = body.store_texts and self._policy.texts
        named: dict[Dimension, str] = {"personality": body.personality_used, "category": body.query_category}
        return Answer(
            id=Answer.id_of(answer_id),
            partition_key=user_id,
            answer_id=answer_id,
            session_id=session_id,
            model=name,
            request_hash=call.services[Privacy].hash_of(body.model_dump_json()),
            asked_at=call.now,
            holder=str(uuid.uuid4()),
            lease_until=None,
            turn={
                "user_query": body.question if stored else "",
                "query_category": body.query_category,
                "personality_used": body.personality_used,
                "model_used": model,
                "provider": provider,
                "store_texts": stored,
            },
            origin=AnswerOrigin(
                ip_address=call.hashed_address,
                client=call.client,
                traceparent=call.services.telemetry.traceparent,
                unvouched=call.store[PlatformNames].unknown(named, call.now),
            ),
            told=None if stored else question_told(body.question, self._policy),
            input_tokens=context_tokens + fixed_tokens(body.question, body.instructions),
        )

    def _admission(self, answer: Answer, space: Room) -> AdmissionRequest:
        """The most that the call may take: it is called once, and the reservation outlives its lease."""
        call, settings = self._call, self._settings
        tokens = answer.input_tokens + space.output
        check_tokens(tokens, settings.max_tokens_per_turn)
        asked = Asked(answer.turn["model_used"], answer.turn["provider"])
        cost = call.services[PriceTable].most(asked, answer.input_tokens, space.output, call.now)
        check_priced(cost, settings, self._limits)
        return AdmissionRequest(
            admission_id=answer.answer_id,
            tokens=tokens,
            cost_nano_usd=cost.cost_nano_usd or 0,
            lifetime=reserved_for(settings.reservation_seconds, settings.answer_seconds),
            request_hash=answer.request_hash,
            made_by="server",
        )

    def _asking(self, model: Model, space: Room, context: Context) -> Asking:
        return Asking(
            model=model,
            messages=prompt(self._call.body, context.messages),
            max_tokens=space.output,
            seconds=self._settings.answer_seconds,
            patience=self._settings.model_patience_seconds,
            stores_texts=self._call.body.store_texts,
        )
