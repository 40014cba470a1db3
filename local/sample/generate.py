"""Makes `users.json` and `turns.jsonl`: `python -m local.sample.generate`. The same seed gives the same files.

Twelve people ask over the fortnight before `END`, each by day in their own time zone and mostly in their own language;
one account (the last) repeats one question at the pace of a machine, for the moderator to find.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent
SEED = 20261120
END = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 14
MACHINE_TURNS = 30

DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SCRIPT = "python-httpx/0.28.1"

MODELS = {  # name: (share of the turns, milliseconds before the first token, milliseconds per token)
    "gpt-4o-mini": (0.5, 350, 9),
    "gpt-4o": (0.2, 500, 14),
    "gemini-2.0-flash": (0.2, 300, 7),
    "gemini-1.5-pro": (0.1, 700, 17),
}


@dataclass(frozen=True)
class Asker:
    """One of the people: who they are, and how they ask."""

    email: str
    given_name: str
    family_name: str
    timezone: str
    language: str
    sessions: int
    user_agents: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.email.split("@", maxsplit=1)[0]

    def as_user(self) -> dict[str, str]:
        return {
            "user": self.key,
            "email": self.email,
            "name": f"{self.given_name} {self.family_name}",
            "given_name": self.given_name,
            "family_name": self.family_name,
            "timezone": self.timezone,
            "preferred_language": self.language,
        }


ASKERS = (
    Asker("alice@contoso.example", "Alice", "Contoso", "Europe/London", "en", 9, (MAC, IPHONE)),
    Asker("bob@contoso.example", "Bob", "Tanaka", "America/New_York", "en", 7, (DESKTOP,)),
    Asker("carmen@fabrikam.example", "Carmen", "Ortega", "Europe/Madrid", "es", 7, (IPHONE,)),
    Asker("diego@fabrikam.example", "Diego", "Rivas", "America/Mexico_City", "es", 5, (PHONE,)),
    Asker("priya@contoso.example", "Priya", "Nair", "Asia/Kolkata", "hi", 8, (PHONE, DESKTOP)),
    Asker("arjun@contoso.example", "Arjun", "Mehta", "Asia/Kolkata", "hi", 6, (PHONE,)),
    Asker("greta@northwind.example", "Greta", "Lindner", "Europe/Berlin", "de", 6, (LINUX,)),
    Asker("hugo@northwind.example", "Hugo", "Moreau", "Europe/Paris", "fr", 5, (MAC,)),
    Asker("mei@northwind.example", "Mei", "Zhou", "Asia/Shanghai", "zh", 4, (IPHONE,)),
    Asker("emre@fabrikam.example", "Emre", "Aydin", "Europe/Istanbul", "tr", 3, (PHONE,)),
    Asker("sam@contoso.example", "Sam", "Okafor", "Africa/Lagos", "en", 5, (DESKTOP, PHONE)),
)
MACHINE = Asker("mallory@fabrikam.example", "Mallory", "Crane", "America/Los_Angeles", "en", 1, (SCRIPT,))


def users() -> list[dict[str, str]]:
    return [asker.as_user() for asker in (*ASKERS, MACHINE)]


def turns() -> list[dict[str, Any]]:
    """All turns in the order of their time."""
    random_source = random.Random(SEED)  # noqa: S311 - sample data
    questions = json.loads((FOLDER / "questions.json").read_text("utf-8"))
    made = [turn for asker in ASKERS for turn in _turns_of(asker, questions, random_source)]
    made += _machine_turns(questions[0], random_source)
    return sorted(made, key=lambda turn: (turn["at"], turn["user"]))


def _turns_of(asker: Asker, questions: Sequence[dict[str, Any]], source: random.Random) -> Iterator[dict[str, Any]]:
    own = [question for question in questions if question["language"] == asker.language]
    english = [question for question in questions if question["language"] == "en"]
    address = f"203.0.113.{10 + ASKERS.index(asker)}"
    for number, at in enumerate(_session_starts(asker, source)):
        user_agent = source.choice(asker.user_agents)
        pool = own if asker.language == "en" or source.random() < 0.8 else english
        for question in source.sample(pool, min(len(pool), source.randint(2, 5))):
            yield _turn(asker, number, at, question, source) | {"ip": address, "user_agent": user_agent}
            at += timedelta(seconds=source.randint(40, 420))


def _session_starts(asker: Asker, source: random.Random) -> list[datetime]:
    """Hours between 7 and 22 in the person's own zone, on different days where there are enough."""
    zone = ZoneInfo(asker.timezone)
    first = END.date() - timedelta(days=DAYS)
    days = sorted(source.sample(range(DAYS - 1), asker.sessions))
    starts = []
    for day in days:
        date = first + timedelta(days=day)
        local = datetime(date.year, date.month, date.day, source.randint(7, 22), source.randint(0, 59), tzinfo=zone)
        starts.append(local.astimezone(UTC) + timedelta(milliseconds=source.randint(0, 59_999)))
    return starts


def _machine_turns(question: dict[str, Any], source: random.Random) -> Iterator[dict[str, Any]]:
    at = END - timedelta(days=2, hours=9)
    for _ in range(MACHINE_TURNS):
        quiet = {"user_rating": None, "was_helpful": None, "bookmark": False, "share": False}
        yield _turn(MACHINE, 0, at, question, source) | quiet | {"ip": "198.51.100.7", "user_agent": SCRIPT}
        at += timedelta(seconds=3)


def _turn(asker: Asker, session: int, at: datetime, question: dict[str, Any], source: random.Random) -> dict[str, Any]:
    model = source.choices(list(MODELS), [share for share, _, _ in MODELS.values()])[0]
    _, first_token, per_token = MODELS[model]
    output_tokens = _tokens(question["response"]) + source.randint(0, 12)
    quality = source.choices(("high", "medium", "low", "fallback"), (70, 22, 5, 3))[0]
    rating = source.choices((5, 4, 3, 2), (45, 35, 15, 5))[0] if source.random() < 0.3 else None
    return {
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "user": asker.key,
        "session": f"{asker.key}-{session:02}",
        **{name: question[name] for name in ("query", "language", "response", "category", "citations", "personality")},
        "response_quality": quality,
        "model": model,
        "input_tokens": 180 + _tokens(question["query"]) + source.randint(0, 900),
        "output_tokens": output_tokens,
        "response_time_ms": first_token + output_tokens * per_token + source.randint(0, 400),
        "user_rating": rating,
        "was_helpful": None if rating is None else rating >= 4,
        "bookmark": source.random() < 0.08,
        "share": source.random() < 0.04,
    }


def _tokens(text: str) -> int:
    """About as many as a tokenizer would make: one for four bytes of UTF-8."""
    return math.ceil(len(text.encode()) / 4)


def render() -> dict[str, str]:
    """File name -> content."""
    lines = (json.dumps(turn, ensure_ascii=False) for turn in turns())
    return {
        "users.json": json.dumps(users(), ensure_ascii=False, indent=1) + "\n",
        "turns.jsonl": "".join(f"{line}\n" for line in lines),
    }


def main() -> None:
    for name, content in render().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
