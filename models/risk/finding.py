"""Findings, as the rules make them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from models.accounts.finding import Finding, Rule
from models.risk.facts import TurnFacts


def moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def finding(
    rule: Rule, pattern: str, observed: float, threshold: float, turns: Sequence[TurnFacts], summary: str
) -> Finding:
    """A finding over some turns, in time order, with the strength that follows from how far the threshold is passed."""
    return Finding(
        rule=rule,
        pattern=pattern,
        strength=strength(observed / threshold),
        observed=round(observed, 3),
        threshold=round(threshold, 3),
        turns=len(turns),
        first_seen=moment(turns[0].at),
        last_seen=moment(turns[-1].at),
        summary=summary,
    )


def strength(times_the_threshold: float) -> float:
    """0.5 at the threshold, 1 from twice of it on."""
    return round(min(1.0, times_the_threshold / 2), 4)


def strongest(findings: Sequence[Finding | None]) -> Finding | None:
    """The one to report of what several patterns of a rule found: the strongest, of equals the latest."""
    found = [one for one in findings if one is not None]
    return max(found, key=lambda one: (one.strength, one.last_seen, one.pattern), default=None)
