"""What an organization's members used for it, by member, day and model: from their own days, and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import Field

from models.analytics.rollup import Rollup
from models.core.document import Message
from models.core.values import Count, Day, Uuid

NANO = 1_000_000_000


class Use(Message):
    """What was used."""

    interactions: Count = Field(default=0, description="Turns")
    tokens: Count = Field(default=0, description="Tokens of all kinds")
    cost_usd: float = Field(default=0.0, ge=0, description="USD, of turns that have a price")


class DayOfUse(Use):
    """What was used on a day of the member's calendar."""

    day: Day


class ModelUse(Message):
    """What was used of a model."""

    model: str
    interactions: Count = Field(description="Turns")
    cost_usd: float = Field(ge=0, description="USD, of turns that have a price")


class MemberUse(Use):
    """What a member used for the organization."""

    user_id: Uuid
    name: str
    active_days: Count = Field(description="Days with turns for it")
    last_active_day: Day | None = Field(description="The latest of them")
    days: list[DayOfUse]
    models: list[ModelUse] = Field(description="The most costly first")


def use_of(organization_id: str, user_id: str, name: str, rollups: Iterable[Rollup]) -> MemberUse:
    """What a member used for an organization in some of their days, in order of time."""
    days, models = [], Counter[str]()
    costs, total = Counter[str](), Counter[str]()
    for rollup in rollups:
        sums = rollup.sums
        of_day = {
            measure: sums.get(f"org_{measure}:{organization_id}", 0)
            for measure in ("interactions", "tokens", "cost_nano_usd")
        }
        if not any(of_day.values()):
            continue
        total.update(of_day)
        days.append(DayOfUse(day=date.fromisoformat(rollup.period_key), **_shown(of_day)))
        models.update(_by_model(sums, f"org_model_interactions:{organization_id}/"))
        costs.update(_by_model(sums, f"org_model_cost_nano_usd:{organization_id}/"))
    order = sorted(models, key=lambda model: (-costs[model], -models[model], model))
    return MemberUse(
        user_id=user_id,
        name=name,
        active_days=len(days),
        last_active_day=days[-1].day if days else None,
        days=days,
        models=[ModelUse(model=one, interactions=models[one], cost_usd=costs[one] / NANO) for one in order],
        **_shown(total),
    )


def _by_model(sums: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {measure.removeprefix(prefix): value for measure, value in sums.items() if measure.startswith(prefix)}


def _shown(used: Mapping[str, int]) -> dict[str, Any]:
    return {
        "interactions": used.get("interactions", 0),
        "tokens": used.get("tokens", 0),
        "cost_usd": used.get("cost_nano_usd", 0) / NANO,
    }
