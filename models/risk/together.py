"""Accounts at one address, seen together: what each adds to the address on a day, and what it adds up to.

Who multiplies accounts stays below every limit with each. People who share an address do not all ask as much as the
heaviest of people do, nor are all of them there at all hours; so classrooms, offices and families are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from models.accounts.finding import Finding
from models.core.document import Message
from models.core.values import Count, Timestamp
from models.counting.bucket import Sums, by_count
from models.counting.fold import OTHER
from models.risk.finding import strength
from models.risk.thresholds import PlaceLimits

BUSY = 20
"""Turns of an account at an address on a day from which on it counts there."""

STEP = 10
"""Turns are counted in steps, so that most turns of a busy day change nothing."""

MOSTLY = 0.8
"""Share of the account's turns of the day at the address that makes its hours hours there."""

PATTERN = "accounts_at_one_address"


def in_steps(turns: int) -> int:
    return turns - turns % STEP


def addresses(day: Mapping[str, int]) -> dict[str, int]:
    """The addresses, by their hashes, at which an account was busy on a day, with its turns there."""
    return {name: turns for name, turns in by_count(day, "address").items() if turns >= BUSY and name != OTHER}


def contribution(account: str, address: str, day: Mapping[str, int]) -> Sums:
    """What an account adds to an address.

    Args:
        account: A name that it has at this address on this day alone.
        day: The sums of its own day.
    """
    turns = day[f"address:{address}"]
    measures = {f"account:{account}": in_steps(turns)}
    if turns >= MOSTLY * day.get("interactions", turns):
        measures |= {f"hour:{hour}": 1 for hour in by_count(day, "hour")}
    return measures


def accounts_together(sums: Mapping[str, int], limits: PlaceLimits) -> int:
    """How many accounts at an address on a day are more than people's; 0 if they may be people's."""
    turns = [count for name, count in by_count(sums, "account").items() if name != OTHER]
    if not limits.accounts <= len(turns) <= limits.accounts_at_most:
        return 0
    hours = sum(by_count(sums, "hour").values())
    is_much = sum(turns) >= limits.accounts_turns * len(turns)
    return len(turns) if is_much or hours >= limits.accounts_hours * len(turns) else 0


class Together(Message):
    """That an account was one of too many at its address on a day."""

    day: str = Field(description="ISO date in the user's own calendar")
    accounts: Count = Field(description="Busy accounts there")
    turns: Count = Field(ge=1, description="This account's turns there, in steps of 10")
    first_seen: Timestamp = Field(description="When the day began")
    last_seen: Timestamp = Field(description="When the day ended")
    revision: Count = Field(description="Of the address's bucket that says so")

    def finding(self, limits: PlaceLimits) -> Finding:
        return Finding(
            rule="suspicious_patterns",
            pattern=PATTERN,
            strength=strength(self.accounts / limits.accounts),
            observed=self.accounts,
            threshold=limits.accounts,
            turns=self.turns,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            summary=f"{self.accounts} busy accounts at one address on {self.day}, busier than as many people are",
        )
