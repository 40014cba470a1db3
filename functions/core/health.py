"""Whether the app is alive, and whether it can do its work."""

from __future__ import annotations

from typing import Literal

from functions.core.api import Routes
from functions.core.call import Call
from functions.core.problems import Problem
from models.core.actions import READ_HEALTH
from models.core.document import Message

routes = Routes()


class Health(Message):
    status: Literal["ok"] = "ok"


@routes.operation("GET", "health", summary="Whether the app is alive", action=READ_HEALTH, returns=Health)
async def get_health(call: Call[None]) -> Health:
    return Health()


@routes.operation(
    "GET",
    "health/ready",
    summary="Whether the app can do its work: the database, its containers as declared, the issuer's keys",
    action=READ_HEALTH,
    returns=Health,
    problems=("not-ready",),
)
async def get_readiness(call: Call[None]) -> Health:
    failing = await call.services.readiness.failing()
    if failing:
        raise Problem(503, "not-ready", "Not ready", "Some checks fail.", {"Retry-After": "5"}, checks=failing)
    return Health()
