"""Admissions: what a turn will take is reserved before the model is called, so that budgets hold."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from pydantic import Field, field_validator

from cosmos.accounts.users import Users
from cosmos.usage.allowances import Allowances
from functions.accounts.signed_in import writer
from functions.core import problems
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.openapi_parts import RATE_LIMIT
from functions.core.operation import Query, Reply
from functions.core.problems import Problem
from functions.core.settings import Settings
from functions.usage.bounds import check_tokens
from models.accounts.limits import Limits, effective
from models.accounts.profile import UserProfile
from models.core.document import Message
from models.core.identity import Person, Recorder, request_id_of
from models.core.sign_in import address_of
from models.core.values import Timestamp, Uuid, format_timestamp
from models.usage.actions import ADMIT, RELEASE
from models.usage.allowance import AdmissionRequest, Refused
from models.usage.allowance_view import LimitUse, limit_uses, shown_amount, shown_measure
from models.usage.model_names import ModelReference
from models.usage.pricing import Asked, Cost, PriceTable, ServiceTier
from models.usage.rate_limit import rate_limit_headers
from models.usage.windows import Clock

routes = Routes()

_NOUNS = {"queries": "queries", "tokens": "tokens", "cost_usd": "USD"}


class Estimate(Message):
    """What a turn will take at most."""

    model: ModelReference = Field(description="The model's name, as its provider or cloud spells it, or a deployment's")
    provider: str | None = Field(default=None, max_length=64, description="Who serves it, where the name does not say")
    service_tier: ServiceTier | None = Field(default=None, description="How it is served, if not the standard way")
    input_tokens: int = Field(ge=0, le=100_000_000, description="Input tokens, cached or not")
    max_output_tokens: int = Field(ge=0, le=100_000_000, description="Output and reasoning tokens at most")
    user: Person | None = Field(default=None, description="Whose turn it is; applications say so, and users don't")

    @field_validator("user", mode="before")
    @classmethod
    def _needs_no_address(cls, value: Any) -> Any:
        """A user whose name at sign-in is no address is admitted like others."""
        return value | {"email": address_of(value)} if isinstance(value, dict) and "email" in value else value


class Admission(Message):
    """A reservation. Record the turn with its id, or release it; else it frees itself when it expires."""

    id: Uuid
    expires_at: Timestamp
    reserved_tokens: int
    reserved_cost_usd: float | None = Field(description="USD; null where the model has no price")
    remaining: list[LimitUse] = Field(description="Each limit, with this admission among what is reserved")


class OwnerQuery(Query):
    """Whose admission it is."""

    user_id: Uuid | None = Field(default=None, description="Applications say so, and users don't")


@routes.operation(
    "POST",
    "admissions",
    summary="Reserve what a turn will take, if the user's limits allow it",
    action=ADMIT,
    body=Estimate,
    returns=Admission,
    status=201,
    problems=("limit-reached", "admission-settled", "unpriced-model", "consent-required"),
    answer_headers=RATE_LIMIT,
)
async def admit(call: Call[Estimate]) -> Reply:
    """A refusal says which limit stands in the way, and `Retry-After` how many seconds to wait.

    What is reserved is the most that the turn may cost: of a model that sells writes to its cache for more, a prompt
    that is all written to it. The same Idempotency-Key and body give the same reservation, until it expires. Users and
    servers have each their own keys. What a server reserved only a turn that a server records settles, and only a
    server releases.
    """
    profile, estimate = await _profile(call), call.body
    clock = Clock(call.now, profile.counting_zone)
    limits = effective(call.services.settings.limits, profile.limit_override, call.now)
    tokens = estimate.input_tokens + estimate.max_output_tokens
    check_tokens(tokens, call.services.settings.max_tokens_per_turn)
    asked = Asked(estimate.model, estimate.provider, estimate.service_tier)
    cost = call.services[PriceTable].most(asked, estimate.input_tokens, estimate.max_output_tokens, call.now)
    check_priced(cost, call.services.settings, limits)
    request = AdmissionRequest(
        admission_id=_admission_id(call, profile.id),
        tokens=tokens,
        cost_nano_usd=cost.cost_nano_usd or 0,
        lifetime=timedelta(seconds=call.services.settings.reservation_seconds),
        request_hash=content_hash(estimate, exclude={"user"}),
        made_by=_recorder(call),
    )
    decision = await call.store[Allowances].reserve(profile.id, request, limits, clock)
    if isinstance(decision, Refused):
        call.services.telemetry.admission((decision.window, decision.measure))
        raise limit_reached(decision, rate_limit_headers(decision.allowance, limits, clock))
    call.services.telemetry.admission(None)
    admission = Admission(
        id=request.admission_id,
        expires_at=decision.reservation.expires_at,
        reserved_tokens=decision.reservation.tokens,
        reserved_cost_usd=cost.cost_usd,
        remaining=limit_uses(decision.allowance, limits, clock),
    )
    return Reply(admission, headers=rate_limit_headers(decision.allowance, limits, clock))


@routes.operation(
    "DELETE",
    "admissions/{admission_id}",
    summary="Release a reservation that no turn will settle; one that is gone stays so",
    action=RELEASE,
    query=OwnerQuery,
    returns=None,
    status=204,
    problems=("made-by-server",),
)
async def release_admission(call: Call[None]) -> Reply:
    named: str | None = call.query.user_id
    if call.of_person == (named is not None):
        raise _named_by_applications("/query/user_id")
    if named is not None and (owner := await call.store[Users].recent(named)) is not None:
        call.check_acts_for(owner.tenant_id)
    await call.store[Allowances].release(named or call.person.user_id, call.uuid("admission_id"), _recorder(call))
    return Reply(None)


def _recorder(call: Call[Any]) -> Recorder:
    return "user" if call.of_person else "server"


def _admission_id(call: Call[Any], user_id: str) -> str:
    """Follows from the key, if there is one: a user's key never names what a server reserves."""
    key, scope = call.idempotency_key, "admissions" if call.of_person else "admissions of servers"
    return request_id_of(user_id, scope, key) if key else str(uuid.uuid4())


async def _profile(call: Call[Estimate]) -> UserProfile:
    """Of the caller, or of whom an application names; it must be allowed to write."""
    named = call.body.user
    if call.of_person == (named is not None):
        raise _named_by_applications("/user")
    if named is not None:
        call.check_acts_for(named.tenant_id)
    return await (call.store[Users].writer(named, call.now, call.now) if named else writer(call))


def check_priced(cost: Cost, settings: Settings, limits: Limits) -> None:
    """Refuses a model without a price to a user whose cost is limited, where the operator wants that.

    Raises:
        Problem: 422.
    """
    is_limited = any(measure == "cost_nano_usd" for _, measure in limits)
    if cost.status == "unpriced" and settings.refuse_unpriced and is_limited:
        raise problems.known("unpriced-model")


def _named_by_applications(pointer: str) -> Problem:
    errors = [{"pointer": pointer, "detail": "Applications name the user; users leave it out"}]
    return Problem(422, "invalid", "The content is not valid", f"Not valid: {pointer}.", errors=errors)


def limit_reached(refused: Refused, headers: dict[str, str]) -> Problem:
    """429: which limit stands in the way, and how long."""
    measure = shown_measure(refused.measure)
    amounts = {
        name: shown_amount(refused.measure, amount)
        for name, amount in (
            ("limit", refused.limit),
            ("used", refused.used),
            ("reserved", refused.reserved),
            ("requested", refused.requested),
        )
    }
    resets_at = format_timestamp(refused.resets_at)
    detail = (
        f"{amounts['requested']} {_NOUNS[measure]} more would exceed the limit of {amounts['limit']} per "
        f"{refused.window}: {amounts['used']} used and {amounts['reserved']} reserved. It resets at {resets_at}."
    )
    if refused.requested > refused.limit:
        detail += " Waiting will not help: ask for less than the limit."
    return Problem(
        429,
        "limit-reached",
        "A limit is reached",
        detail,
        headers | {"Retry-After": str(refused.retry_after)},
        scope="user",
        window=refused.window,
        measure=measure,
        resets_at=resets_at,
        **amounts,
    )
