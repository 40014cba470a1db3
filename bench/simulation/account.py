"""One account of a generated population: what it can do, whoever it is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.simulation.texts import question

START = datetime(2026, 9, 7, tzinfo=UTC)
DAYS = 14
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0"
DEVICES = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) {_WEBKIT} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 8) {_CHROME} Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    f"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
)
Line = dict[str, Any]


@dataclass
class Account:
    """A user, what they have asked so far, and where they sit."""

    name: str
    chance: random.Random
    language: str = "en"
    address: str = ""
    device: str = DEVICES[0]
    lines: list[Line] = field(default_factory=list)

    def ask(self, at: datetime, session: str, **changes: Any) -> float:
        """Asks at `at`; returns the seconds that the response took."""
        taken = int(self.chance.lognormvariate(8, 0.7))
        line = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "user": self.name,
            "session": f"{self.name}-{session}",
            "query": question(self.chance, self.language),
            "language": self.language,
            "response": "…",
            "category": "science",
            "citations": [],
            "personality": "socrates",
            "response_quality": "high",
            "model": "gpt-4o",
            "input_tokens": self.chance.choice((400, 1000, 1300, 4000)) + self.chance.randint(0, 150),
            "output_tokens": self.chance.randint(30, 600),
            "response_time_ms": taken,
            "user_rating": None,
            "was_helpful": None,
            "bookmark": False,
            "share": False,
            "ip": self.address,
            "user_agent": self.device,
        }
        self.lines.append(line | changes)
        return taken / 1000

    def sit(self, start: datetime, turns: int, gap: Callable[[], float], session: str = "", **changes: Any) -> datetime:
        """Asks `turns` times, each `gap` seconds after the last response. A change that can be called is, each time."""
        at, session = start, session or f"s{start:%m%d%H%M%S}"
        for _ in range(turns):
            at += timedelta(seconds=gap())
            made = {name: change() if callable(change) else change for name, change in changes.items()}
            at += timedelta(seconds=self.ask(at, session, **made))
        return at

    def human_gap(self, median: float = 70, spread: float = 0.85) -> Callable[[], float]:
        return lambda: max(2.0, self.chance.lognormvariate(math.log(median), spread))

    def some_address(self, net: int = 10) -> str:
        return f"{net}.{self.chance.randint(0, 255)}.{self.chance.randint(0, 255)}.{self.chance.randint(1, 254)}"

    def hour(self, day: int, earliest: float = 7, latest: float = 23) -> datetime:
        return START + timedelta(days=day, hours=self.chance.uniform(earliest, latest))

    def live(self, day: int, turns: int, **changes: Any) -> None:
        """A person's day: so many turns in sittings between getting up and going to bed."""
        while turns > 0:
            sitting = min(turns, self.chance.randint(2, 12))
            self.sit(self.hour(day), sitting, self.human_gap(), **changes)
            turns -= sitting

    def days(self, count: int) -> list[int]:
        return sorted(self.chance.sample(range(DAYS), count))
