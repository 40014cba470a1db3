"""What a replay has done so far, and its report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of turns by their fate, and of what went wrong on the way.

    `refused` and `retried` are by reason: an HTTP status, or the name of a connection error.
    `latencies` are the seconds of each request that was answered with success.
    """

    new: int = 0
    duplicates: int = 0
    lost: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    first_error: str = ""

    @property
    def acknowledged(self) -> int:
        return self.new + self.duplicates

    @property
    def done(self) -> int:
        return self.acknowledged + self.lost

    def acknowledge(self, status: int) -> None:
        """A turn is stored: 201 now, 200 already before."""
        if status == 201:
            self.new += 1
        else:
            self.duplicates += 1

    def lose(self, turns: int, reason: str, detail: str) -> None:
        self.lost += turns
        self.refused[reason] += turns
        self.first_error = self.first_error or f"{reason}: {detail}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def report(tally: Tally, seconds: float, unit: str) -> Iterator[str]:
    """The lines of the report. `unit` is what one request carries, for the latencies.

    Only the answers to a batch tell a repetition: a single turn's is the same as the first time.
    """
    rate = tally.acknowledged / seconds if seconds else math.nan
    done = "stored" if unit == "batch" else "acknowledged"
    yield f"turns      {tally.acknowledged} {done} in {seconds:.1f} s: {rate:.0f} turns/s"
    told_apart = f"{tally.new} new, {tally.duplicates} already there, " if unit == "batch" else ""
    yield f"           {told_apart}{tally.lost} lost"
    if tally.latencies:
        figures = ", ".join(f"p{percent} {percentile(tally.latencies, percent) * 1000:.1f}" for percent in (50, 95, 99))
        yield f"latency    {figures} ms per {unit} ({len(tally.latencies)} requests)"
    yield f"errors     {_counts(tally.refused) or 'none'}"
    if tally.retried:
        yield f"retried    {_counts(tally.retried)}"
    if tally.first_error:
        yield f"first      {tally.first_error}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in counter.most_common())
