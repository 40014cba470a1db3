"""Budgets hold: whatever is reserved, settled, released or left to expire, in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.accounts.limits import WINDOWS, Limits
from models.core.errors import AdmissionSettled, KeyReused
from models.core.identity import Recorder
from models.usage.allowance import (
    AdmissionRequest,
    Admitted,
    Allowance,
    Refused,
    Spent,
    decide,
    increments,
    release,
    settle,
)
from models.usage.windows import Clock
from tests.models.examples import ALICE

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
KOLKATA = Clock(NOW, "Asia/Kolkata")
LIMITS: Limits = {
    ("minute", "queries"): 4,
    ("minute", "tokens"): 300,
    ("day", "queries"): 9,
    ("day", "tokens"): 700,
    ("day", "cost_nano_usd"): 50,
    ("month", "cost_nano_usd"): 120,
}


def a_request(name: str = "a", tokens: int = 100, cost: int = 10, **changes: Any) -> AdmissionRequest:
    values: dict[str, Any] = {"lifetime": timedelta(minutes=10), "request_hash": "hash"}
    return AdmissionRequest(name, tokens, cost, **values | changes)


def admitted(allowance: Allowance, request: AdmissionRequest, limits: Limits, clock: Clock) -> Admitted:
    decision = decide(allowance, limits, request, clock)
    assert isinstance(decision, Admitted), decision
    return decision


def refused(allowance: Allowance, request: AdmissionRequest, limits: Limits, clock: Clock) -> Refused:
    decision = decide(allowance, limits, request, clock)
    assert isinstance(decision, Refused), decision
    return decision


def test_a_first_request_is_admitted_and_holds_its_estimate() -> None:
    decision = admitted(Allowance.of(ALICE.user_id), a_request(), LIMITS, KOLKATA)
    assert decision.reservation.expires_at == NOW + timedelta(minutes=10)
    assert [decision.allowance.reserved(measure, NOW) for measure in ("queries", "tokens", "cost_nano_usd")] == [
        1,
        100,
        10,
    ]


def test_the_tokens_of_the_request_itself_count() -> None:
    refusal = refused(Allowance.of(ALICE.user_id), a_request(tokens=301), LIMITS, KOLKATA)
    assert (refusal.window, refusal.measure) == ("minute", "tokens")
    assert (refusal.used, refusal.reserved, refusal.requested, refusal.limit) == (0, 0, 301, 300)
    admitted(Allowance.of(ALICE.user_id), a_request(tokens=300), LIMITS, KOLKATA)


def test_of_several_limits_the_one_that_lasts_longest_is_named() -> None:
    refusal = refused(Allowance.of(ALICE.user_id), a_request(tokens=701, cost=121), LIMITS, KOLKATA)
    assert (refusal.window, refusal.measure) == ("month", "cost_nano_usd")
    assert refusal.resets_at == datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    assert refusal.retry_after == (refusal.resets_at - NOW).total_seconds()


def test_a_refusal_for_reservations_tells_when_the_first_frees_itself() -> None:
    limits: Limits = {("day", "tokens"): 100}
    held = admitted(Allowance.of(ALICE.user_id), a_request(), limits, KOLKATA).allowance
    later = Clock(NOW + timedelta(minutes=4), "Asia/Kolkata")
    refusal = refused(held, a_request("b"), limits, later)
    assert (refusal.reserved, refusal.retry_after) == (100, 360)
    used = settle(held, [Spent(NOW, 100, 10, "a")], later)
    assert refused(used, a_request("b"), limits, later).retry_after == (later.end("day") - later.now).total_seconds()


def test_a_reservation_of_a_crashed_client_frees_itself() -> None:
    limits: Limits = {("day", "queries"): 1}
    held = admitted(Allowance.of(ALICE.user_id), a_request(), limits, KOLKATA).allowance
    refused(held, a_request("b"), limits, Clock(NOW + timedelta(minutes=9, seconds=59), "Asia/Kolkata"))
    after = admitted(held, a_request("b"), limits, Clock(NOW + timedelta(minutes=10), "Asia/Kolkata")).allowance
    assert list(after.reservations) == ["b"]


def test_the_same_request_has_the_same_reservation_until_it_is_settled() -> None:
    limits: Limits = {("day", "queries"): 1}
    first = admitted(Allowance.of(ALICE.user_id), a_request(), limits, KOLKATA)
    again = admitted(first.allowance, a_request(), limits, Clock(NOW + timedelta(seconds=9)))
    assert (again.changed, again.allowance, again.reservation) == (False, first.allowance, first.reservation)
    settled = settle(first.allowance, [Spent(NOW, 50, 5, "a")], KOLKATA)
    with pytest.raises(AdmissionSettled):
        decide(settled, limits, a_request(), Clock(NOW + timedelta(seconds=9)))
    with pytest.raises(KeyReused):
        decide(settled, limits, a_request(tokens=7, request_hash="other"), KOLKATA)


@pytest.mark.parametrize(
    ("made_by", "recorded_by", "reserved"),
    [("user", "user", 0), ("user", "server", 0), ("server", "server", 0), ("server", "user", 1)],
)
def test_what_a_server_reserved_only_a_servers_turn_settles(
    made_by: Recorder, recorded_by: Recorder, reserved: int
) -> None:
    held = admitted(Allowance.of(ALICE.user_id), replace(a_request(), made_by=made_by), LIMITS, KOLKATA).allowance
    after = settle(held, [Spent(NOW, 0, 0, "a", recorded_by)], KOLKATA)
    assert after.reserved("queries", NOW) == after.pruned(NOW).reserved("queries", NOW) == reserved
    assert settle(after, [Spent(NOW, 9, 9, "a", "server")], KOLKATA).reserved("queries", NOW) == 0


@pytest.mark.parametrize("stored", [2**53 - 1, 2**53, 10**30, 9.1e15, 1e300])
def test_what_has_grown_beyond_any_number_can_still_be_read_and_is_at_the_limit(stored: float) -> None:
    key = f"{KOLKATA.key('month')}:cost_nano_usd"
    allowance = Allowance.parse(Allowance.of(ALICE.user_id).body() | {"used": {key: stored}})
    assert allowance.used_in(KOLKATA, "month", "cost_nano_usd") == 2**53 - 1
    assert refused(allowance, a_request(), LIMITS, KOLKATA).measure == "cost_nano_usd"
    more = settle(allowance, [Spent(NOW, 1, 2**53 - 1)], KOLKATA)
    assert Allowance.parse(more.body()).used == more.used


def test_an_id_that_was_said_to_be_settled_before_it_was_admitted_holds_all_the_same() -> None:
    ahead = settle(Allowance.of(ALICE.user_id), [Spent(NOW, 1, 0, "a")], KOLKATA)
    assert admitted(ahead, a_request(), LIMITS, KOLKATA).allowance.reserved("queries", NOW) == 1


def test_a_settled_reservation_counts_what_was_taken_and_no_more() -> None:
    held = admitted(Allowance.of(ALICE.user_id), a_request(), LIMITS, KOLKATA).allowance
    settled = settle(held, [Spent(NOW, 60, 6, "a")], KOLKATA)
    assert settled.reserved("tokens", NOW) == 0
    assert {window: settled.used_in(KOLKATA, window, "tokens") for window in WINDOWS} == dict.fromkeys(WINDOWS, 60)


def test_a_released_reservation_is_decided_anew() -> None:
    limits: Limits = {("day", "queries"): 1}
    held = admitted(Allowance.of(ALICE.user_id), a_request(), limits, KOLKATA).allowance
    released = release(release(held, "a"), "a")
    assert released.reserved("queries", NOW) == 0
    other = admitted(released, a_request("b"), limits, KOLKATA).allowance
    refused(other, a_request("a"), limits, KOLKATA)


def test_turns_count_only_in_windows_that_are_current() -> None:
    clock = Clock(datetime(2026, 11, 20, 20, 0, tzinfo=UTC), "Asia/Kolkata")  # 01:30 on the 21st there
    day = timedelta(days=1)
    spent = [
        Spent(clock.now, 1, 1),
        Spent(clock.now + day, 10, 10),
        Spent(clock.now - timedelta(hours=1), 100, 100),
        Spent(clock.now - timedelta(hours=2), 1_000, None),
        Spent(clock.now - 30 * day, 10_000, 1),
    ]
    added = increments(spent, clock)
    assert {key: amount for key, amount in added.items() if key.endswith(":tokens")} == {
        "minute:2026-11-20T20:00:tokens": 11,
        "day:2026-11-21:tokens": 111,
        "month:2026-11:tokens": 1_111,
    }
    assert added["month:2026-11:cost_nano_usd"] == 111
    assert added["month:2026-11:unpriced"] == 1
    assert "day:2026-11-21:unpriced" not in added


def test_what_no_longer_counts_is_forgotten_with_the_next_admission() -> None:
    allowance = Allowance.of(ALICE.user_id)
    for hours in range(0, 24 * 70, 5):
        clock = Clock(NOW + timedelta(hours=hours), "Asia/Kolkata")
        allowance = settle(allowance, [Spent(clock.now, 1, 1, str(hours))], clock)
        alert = f"{clock.key('day')}:tokens:50"
        allowance = allowance.model_copy(update={"alerts": allowance.alerts | {alert: clock.now}})
    forgettable = allowance.forgettable(clock.now)
    kept = admitted(allowance, a_request(), {}, clock).allowance
    assert forgettable > 1_000
    assert sorted({key.rpartition(":")[0] for key in kept.used}) == [
        "day:2027-01-28",
        "day:2027-01-29",
        "minute:2027-01-29T07:00",
        "month:2027-01",
    ]
    assert kept.settled == {}
    assert len(kept.alerts) == 2
    assert kept.forgettable(clock.now) == 0


class Budget(RuleBasedStateMachine):
    """Any interleaving of admissions, turns, releases and time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = KOLKATA
        self.allowance = Allowance.of(ALICE.user_id)
        self.open: dict[str, AdmissionRequest] = {}
        self.made = 0

    @rule(tokens=st.integers(0, 320), cost=st.integers(0, 60), minutes=st.integers(1, 90))
    def reserve(self, tokens: int, cost: int, minutes: int) -> None:
        self.made += 1
        request = a_request(str(self.made), tokens, cost, lifetime=timedelta(minutes=minutes))
        decision = decide(self.allowance, LIMITS, request, self.clock)
        if isinstance(decision, Admitted):
            self.allowance = decision.allowance
            self.open[request.admission_id] = request
        else:
            assert decision.used + decision.reserved + decision.requested > decision.limit
            assert decision.retry_after >= 1

    @precondition(lambda self: self.open)
    @rule(data=st.data(), share=st.floats(0, 1))
    def record(self, data: st.DataObject, share: float) -> None:
        name = data.draw(st.sampled_from(sorted(self.open)))
        request = self.open.pop(name)
        if self.allowance.reservations[name].expires_at > self.clock.now:
            took = Spent(self.clock.now, int(request.tokens * share), int(request.cost_nano_usd * share), name)
            self.allowance = settle(self.allowance, [took], self.clock)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[name]
        self.allowance = release(self.allowance, name)

    @rule(seconds=st.one_of(st.integers(0, 90), st.integers(0, 200_000)))
    def wait(self, seconds: int) -> None:
        self.clock = Clock(self.clock.now + timedelta(seconds=seconds), self.clock.zone)
        self.open = {
            name: request
            for name, request in self.open.items()
            if self.allowance.reservations[name].expires_at > self.clock.now
        }

    @rule()
    def prune(self) -> None:
        before = self.amounts()
        self.allowance = self.allowance.pruned(self.clock.now)
        assert self.amounts() == before

    def amounts(self) -> dict[Any, tuple[int, int]]:
        return {
            (window, measure): (
                self.allowance.used_in(self.clock, window, measure),
                self.allowance.reserved(measure, self.clock.now),
            )
            for window, measure in LIMITS
        }

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        for key, (used, reserved) in self.amounts().items():
            assert used + reserved <= LIMITS[key], key

    @invariant()
    def what_is_reserved_is_what_is_open(self) -> None:
        assert self.allowance.reserved("queries", self.clock.now) == len(self.open)


TestBudget = Budget.TestCase
TestBudget.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
