"""Container `user_sessions`: an answer that a model is asked for, while it is made and afterwards.

It claims its call of the model: it is made in the transaction that reserves what the call may take, before the model is
asked, and under an id that follows from the caller's key. So one key never asks twice.

    running   a process reads the model, and renews its lease; without texts' consent nothing of the answer is here
    ended     it is decided what the answer was, and what it took: whoever holds the lease records just that
    recorded  the turn is there, under the same id
    failed    nothing came, nothing was used, and the reservation is released

Whoever finds a lease expired takes it over: what there is of a running answer is one that was broken off. The model is
not called again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from models.chat.complexity import query_complexity
from models.chat.interaction import AnswerEnd, Draft, Origin, QueryComplexity, Turn
from models.chat.language import detect_language
from models.chat.names import Dimension
from models.chat.reporting import reported
from models.core.document import Document, Message
from models.core.user_agent import Client
from models.core.values import Count, Timestamp, Uuid
from models.core.write_policy import WritePolicy
from models.risk.question import QuestionFacts, question_facts
from models.usage.provider_usage import read_usage

LEASE = timedelta(seconds=30)
"""How long an answer is its process's after each sign of life."""

CHECKPOINT_SECONDS = 2.0
"""How often that gives one; a stop, and an erasure, reach it that soon."""

RUNNING_SECONDS = 86_400
"""An answer that nobody ends is kept for so long."""

AnswerStatus = Literal["running", "ended", "recorded", "failed"]


class AnswerOrigin(Message):
    """Where it was asked from, for the turn."""

    ip_address: str | None = Field(default=None, description="Keyed hash of the client's address")
    client: Client = Field(default_factory=Client, description="Device, browser and platform, from the user agent")
    traceparent: str | None = Field(default=None, description="W3C trace context of the request")
    unvouched: list[Dimension] = Field(default_factory=list, description="What it has names for that nobody else knows")


class QuestionTold(Message):
    """What is told of a question whose text is not stored."""

    user_query_length: Count = Field(description="Characters (code points)")
    user_query_language: str = Field(description="BCP 47 tag; `und` where it can't be told")
    query_complexity: QueryComplexity = Field(description="How much the question asks for")
    question_facts: QuestionFacts | None = Field(description="What the rules on abuse need of the question")


class Ending(Message):
    """What became of an answer: what is recorded."""

    end: AnswerEnd = Field(description="How it ended")
    usage: dict[str, Any] | None = Field(default=None, description="As the provider said it; null: it is estimated")
    response_length: Count = Field(default=0, description="Characters (code points)")
    response_time_ms: Count = Field(default=0, description="From the call of the model to its end")
    problem: str | None = Field(default=None, description="What went wrong, as the last part of a problem's type")
    cause: str | None = Field(default=None, description="What broke it off, likewise, where that is known")


class Answer(Document):
    """An answer of a model. `id` is `answer-` and the id that its reservation and its turn have, too."""

    container: ClassVar[str] = "user_sessions"

    partition_key: Uuid
    kind: Literal["answer"] = "answer"
    ttl: int | None = Field(
        default=RUNNING_SECONDS, description="1 day while it is made; then as a session, and without texts"
    )

    answer_id: Uuid = Field(description="Of the answer, its reservation and its turn")
    session_id: Uuid = Field(description="The session that it was asked in")
    model: str = Field(description="Who answers, by the name that it is configured by")
    request_hash: str = Field(description="Keyed hash of the request, to tell a repetition from a reuse")
    asked_at: Timestamp = Field(description="When it was asked for")
    status: AnswerStatus = Field(default="running", description="How far it is")
    holder: Uuid = Field(description="Who makes it, or records it: one run of a process")
    lease_until: Timestamp | None = Field(description="From then on somebody else takes it over; null once it is done")
    stop_asked_at: Timestamp | None = Field(default=None, description="When its user asked to stop it")
    turn: dict[str, Any] = Field(description="What is known of the turn before its answer; empty once it is recorded")
    origin: AnswerOrigin = Field(default_factory=AnswerOrigin, description="Where it was asked from")
    told: QuestionTold | None = Field(default=None, description="Of the question, where its text is not stored")
    text: str | None = Field(
        default=None, description="What has come so far; null without consent to texts, and once it is recorded"
    )
    input_tokens: Count = Field(description="What it was given, estimated")
    output_tokens: Count = Field(default=0, description="What has come so far, estimated")
    ending: Ending | None = Field(default=None, description="What became of it")

    @staticmethod
    def id_of(answer_id: str) -> str:
        return f"answer-{answer_id}"

    def is_abandoned(self, now: datetime) -> bool:
        """Whether whoever held it has not been heard of for as long as its lease was."""
        return self.lease_until is not None and self.lease_until <= now

    def broken_off(self, now: datetime) -> Ending:
        """What an answer was that its process left: what there is of it."""
        taken = (self.lease_until or now) - LEASE - self.asked_at
        return Ending(
            end="broken_off",
            response_length=len(self.text or ""),
            response_time_ms=max(0, round(taken.total_seconds() * 1000)),
            problem="answer-broken-off",
        )


def question_told(question: str, policy: WritePolicy) -> QuestionTold:
    """What is kept of a question in the place of its text."""
    return QuestionTold(
        user_query_length=len(question),
        user_query_language=detect_language(question),
        query_complexity=query_complexity(question),
        question_facts=question_facts(question, policy.text_key),
    )


def draft_of(answer: Answer) -> Draft:
    """The turn of an answer that has ended: the same from whoever records it.

    Raises:
        ValueError: it has not.
    """
    ending = answer.ending
    if ending is None:
        raise ValueError("an answer that goes on is no turn yet")
    counted = ending.usage is not None and read_usage(ending.usage) is not None
    tokens: dict[str, Any] = (
        {"usage": ending.usage}
        if counted
        else {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    )
    content = answer.turn | tokens
    content |= {"response_text": answer.text or "", "response_time_ms": ending.response_time_ms}
    content |= {"admission_id": answer.answer_id}
    known: dict[str, Any] = {
        "answer_end": ending.end,
        "tokens_estimated": not counted,
        "response_length": ending.response_length,
    }
    if answer.told is not None:
        known |= answer.told.model_dump()
    return Draft(answer.answer_id, reported(Turn, content), _origin(answer), known)


def _origin(answer: Answer) -> Origin:
    origin = answer.origin
    return Origin(
        user_id=answer.partition_key,
        session_id=answer.session_id,
        timestamp=answer.asked_at,
        ip_address=origin.ip_address,
        client=origin.client,
        request_hash=answer.request_hash,
        traceparent=origin.traceparent,
        recorded_by="server",
        unvouched=tuple(origin.unvouched),
    )
