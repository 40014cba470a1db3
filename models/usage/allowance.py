"""Container `user_sessions`: what a user has used in the current windows, and what is reserved. One document per user.

Admission reserves an estimate before the model is called; recording the turn counts what it took, and settles the
reservation. A reservation is an entry with an expiry and not an increment: what is never settled counts no longer once
it has expired. Reservations count in every current window, whenever they were made: so whenever they are settled, a
turn that takes no more than its estimate keeps every window within its limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar, Literal

from pydantic import Field

from models.accounts.limits import Limits
from models.core.document import Document, Message
from models.core.errors import AdmissionSettled, ConsentRequired, KeyReused
from models.core.identity import Recorder
from models.core.limits import Measure, Window
from models.core.values import Count, Timestamp, Total, Uuid, saturated
from models.usage.windows import Clock, is_over

ALLOWANCE_ID = "allowance"
BY_USER = "user:"


class Reservation(Message):
    """What one admission holds: one query, and at most these tokens and this cost."""

    tokens: Count = Field(description="Tokens of all kinds, at most")
    cost_nano_usd: Count = Field(description="1e-9 USD; 0 where the model has no price")
    expires_at: Timestamp = Field(description="From then on it holds nothing")
    request_hash: str = Field(description="Hash of the request that made it, to tell a repetition from a reuse")
    made_by: Recorder = Field(
        default="user", description="Who made it. What a server reserved only servers settle or release"
    )

    def amount(self, measure: Measure) -> int:
        return {"queries": 1, "tokens": self.tokens, "cost_nano_usd": self.cost_nano_usd}[measure]


class Allowance(Document):
    """What one user has used and reserved.

    It is written once for every turn, by increments. Its revision is not counted: those who read it from the change
    feed want its latest state only.
    """

    container: ClassVar[str] = "user_sessions"

    id: Literal["allowance"] = Field(default="allowance", description="One per user")
    partition_key: Uuid
    kind: Literal["allowance"] = "allowance"
    ttl: int | None = Field(default=-1, description="Kept for ever")

    used: dict[str, Total] = Field(
        default_factory=dict,
        description="By window, start and measure: `day:2026-11-20:tokens`; also `unpriced`, and of minutes `written`: "
        "what the user recorded in them, of what WRITE_LIMIT allows",
    )
    reservations: dict[str, Reservation] = Field(default_factory=dict, description="By admission id")
    settled: dict[str, Literal[True]] = Field(
        default_factory=dict,
        description="Admission ids of turns that servers recorded: their reservations hold nothing. Behind `user:`, of "
        "turns that the user recorded: of these only reservations that the user made",
    )
    alerts: dict[str, Timestamp] = Field(
        default_factory=dict, description="When an alert was raised: `day:2026-11-20:tokens:80`"
    )

    barred: bool = Field(default=False, description="Whether nothing may be used, for want of a guardian's consent")
    bar_revision: Count = Field(default=0, description="The revision of the consent that says so")

    @classmethod
    def of(cls, user_id: str) -> Allowance:
        return cls(partition_key=user_id)

    def used_in(self, clock: Clock, window: Window, measure: Measure | Literal["unpriced"]) -> int:
        return self.used.get(f"{clock.key(window)}:{measure}", 0)

    def reserved(self, measure: Measure, now: datetime) -> int:
        """What reservations hold that have neither expired nor been settled."""
        return sum(held.amount(measure) for held in self._holding(now).values())

    def next_expiry(self, now: datetime) -> datetime | None:
        """When the first reservation frees itself that holds something."""
        return min((held.expires_at for held in self._holding(now).values()), default=None)

    def _holding(self, now: datetime) -> dict[str, Reservation]:
        return {
            name: held
            for name, held in self.reservations.items()
            if held.expires_at > now and not self.is_settled(name, held)
        }

    def is_settled(self, name: str, held: Reservation) -> bool:
        """Whether somebody has settled a reservation who may."""
        return name in self.settled or (held.made_by == "user" and f"{BY_USER}{name}" in self.settled)

    def forgettable(self, now: datetime) -> int:
        """How many entries `pruned` would drop."""
        kept = self.pruned(now)
        maps = ("used", "reservations", "settled", "alerts")
        return sum(len(getattr(self, name)) - len(getattr(kept, name)) for name in maps)

    def pruned(self, now: datetime) -> Allowance:
        """Without what no longer counts. A settled reservation is kept until it expires, for requests that repeat.

        What is settled and not reserved is forgotten: a reservation that is made under that id later holds.
        """
        reservations = {name: held for name, held in self.reservations.items() if held.expires_at > now}
        return self.model_copy(
            update={
                "used": {key: value for key, value in self.used.items() if not is_over(key.rpartition(":")[0], now)},
                "reservations": reservations,
                "settled": {name: True for name in self.settled if name.removeprefix(BY_USER) in reservations},
                "alerts": {
                    key: at for key, at in self.alerts.items() if not is_over(":".join(key.split(":")[:-2]), now)
                },
            }
        )


@dataclass(frozen=True)
class AdmissionRequest:
    """What somebody wants to use.

    Attributes:
        cost_nano_usd: 0 where the model has no price.
        lifetime: How long the reservation holds.
        request_hash: Tells a repeated request from an id that is used again.
    """

    admission_id: str
    tokens: int
    cost_nano_usd: int
    lifetime: timedelta
    request_hash: str
    made_by: Recorder = "user"


@dataclass(frozen=True)
class Admitted:
    """The allowance with the reservation in it; `changed` is False where the same request has been admitted before."""

    allowance: Allowance
    reservation: Reservation
    changed: bool


@dataclass(frozen=True)
class Refused:
    """The limit that stands in the way; of several, the one that does so longest. Amounts in the limit's measure."""

    window: Window
    measure: Measure
    used: int
    reserved: int
    requested: int
    limit: int
    resets_at: datetime
    retry_after: int
    allowance: Allowance


def decide(allowance: Allowance, limits: Limits, request: AdmissionRequest, clock: Clock) -> Admitted | Refused:
    """Admits a request if with it no current window exceeds its limits; the same request again as before.

    Raises:
        KeyReused: another request has been admitted under this id.
        AdmissionSettled: its turn has been counted.
        ConsentRequired: nothing may be used.
    """
    if allowance.barred:
        raise ConsentRequired
    held = allowance.reservations.get(request.admission_id)
    if held is not None and held.expires_at > clock.now:
        if held.request_hash != request.request_hash:
            raise KeyReused
        if allowance.is_settled(request.admission_id, held):
            raise AdmissionSettled
        return Admitted(allowance, held, changed=False)
    wanted = Reservation(
        tokens=request.tokens,
        cost_nano_usd=request.cost_nano_usd,
        expires_at=clock.now + request.lifetime,
        request_hash=request.request_hash,
        made_by=request.made_by,
    )
    refusals = [
        refused
        for (window, measure), limit in limits.items()
        if (refused := _refusal(allowance, window, measure, wanted.amount(measure), limit, clock))
    ]
    if refusals:
        return max(refusals, key=lambda refused: (refused.retry_after, refused.resets_at))
    kept = allowance.pruned(clock.now)
    reservations = kept.reservations | {request.admission_id: wanted}
    return Admitted(kept.model_copy(update={"reservations": reservations}), wanted, changed=True)


def _refusal(
    allowance: Allowance, window: Window, measure: Measure, requested: int, limit: int, clock: Clock
) -> Refused | None:
    """Why a request exceeds a limit, None if it does not.

    Waiting helps once the window ends; or sooner, if it is only reservations that stand in the way.
    """
    used, reserved = allowance.used_in(clock, window, measure), allowance.reserved(measure, clock.now)
    if used + reserved + requested <= limit:
        return None
    resets_at, expiry = clock.end(window), allowance.next_expiry(clock.now)
    frees_at = min(expiry, resets_at) if expiry and used + requested <= limit else resets_at
    wait = max(1, ceil((frees_at - clock.now).total_seconds()))
    return Refused(window, measure, used, reserved, requested, limit, resets_at, wait, allowance)


@dataclass(frozen=True)
class Spent:
    """What a turn took. The cost is None where the model has no price."""

    at: datetime
    tokens: int
    cost_nano_usd: int | None
    admission_id: str | None = None
    recorded_by: Recorder = "user"


def increments(spent: Iterable[Spent], clock: Clock) -> dict[str, int]:
    """What turns add to `used`: each in those of its windows that are still current, and nothing where that is 0."""
    total: Counter[str] = Counter()
    for turn in spent:
        amounts = {
            "queries": 1,
            "tokens": turn.tokens,
            "cost_nano_usd": turn.cost_nano_usd or 0,
            "unpriced": int(turn.cost_nano_usd is None),
        }
        for window in clock.current(turn.at):
            total.update({f"{window}:{measure}": amount for measure, amount in amounts.items()})
    return {key: amount for key, amount in total.items() if amount}


def settle(allowance: Allowance, spent: Iterable[Spent], clock: Clock) -> Allowance:
    """The allowance once turns are counted, and their reservations settled. It is never refused."""
    turns = list(spent)
    used = Counter(allowance.used)
    used.update(increments(turns, clock))
    settled: dict[str, Any] = dict.fromkeys(settling(turns), True)
    capped = {key: saturated(value) for key, value in used.items()}
    return allowance.model_copy(update={"used": capped, "settled": allowance.settled | settled})


def settling(spent: Iterable[Spent]) -> list[str]:
    """The keys in `settled` of the admissions that turns settle, each once."""
    names = (BY_USER * (turn.recorded_by == "user") + turn.admission_id for turn in spent if turn.admission_id)
    return list(dict.fromkeys(names))


def release(allowance: Allowance, admission_id: str) -> Allowance:
    """The allowance without a reservation."""
    kept = {name: held for name, held in allowance.reservations.items() if name != admission_id}
    return allowance.model_copy(update={"reservations": kept})
