"""What the platform and its users should be told, counted from the traffic alone.

Nothing of the app is used here: not its models, its rules or its table of prices. Where both come to the same, neither
has merely repeated the other's mistake.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from genai_prices import Usage, calc_price

from local.cli.traffic import Turn

DIMENSIONS = {
    "model": "model_used",
    "personality": "personality_used",
    "category": "query_category",
    "language": "user_query_language",
}
ASKERS_NEEDED = 3
LONGEST_COUNTER = 6
_SENTENCE_ENDS = "?!.।؟"
_COUNTER_SIGNS = "#№(["

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Use:
    """Turns, tokens and nano-dollars; `unpriced` turns have no part in the last."""

    turns: int = 0
    tokens: int = 0
    nano_usd: int = 0
    unpriced: int = 0

    def add(self, asked: Asked) -> None:
        self.turns += 1
        self.tokens += asked.tokens
        self.nano_usd += asked.nano_usd or 0
        self.unpriced += asked.nano_usd is None


@dataclass(frozen=True)
class Asked:
    """A turn with what follows from it. Times and calendars: `utc_day` of UTC, `day` of the user's own zone."""

    turn: Turn
    at: datetime
    day: date
    question: str
    nano_usd: int | None

    @classmethod
    def of(cls, turn: Turn) -> Asked:
        at = datetime.fromisoformat(turn.at).astimezone(UTC)
        day = at.astimezone(ZoneInfo(turn.user.timezone or "UTC")).date()
        return cls(turn, at, day, normalised(turn.body["user_query"]), nano_usd(turn, at))

    @property
    def user(self) -> str:
        return self.turn.user.email.lower()

    @property
    def tokens(self) -> int:
        return int(self.turn.body["input_tokens"]) + int(self.turn.body["output_tokens"])

    @property
    def utc_day(self) -> str:
        return self.at.date().isoformat()


@dataclass
class Health:
    """What a month or a day of UTC is told by, besides its use."""

    response_ms: list[int] = field(default_factory=list)
    fallbacks: int = 0
    ratings: list[int] = field(default_factory=list)

    def add(self, asked: Asked) -> None:
        body = asked.turn.body
        if body["response_time_ms"]:
            self.response_ms.append(body["response_time_ms"])
        self.fallbacks += body["response_quality"] == "fallback"
        if body.get("user_rating") is not None:
            self.ratings.append(body["user_rating"])

    def quantile(self, share: float) -> int | None:
        """The exact one: of rank floor(share · (n - 1)) in ascending order."""
        ordered = sorted(self.response_ms)
        return ordered[int(share * (len(ordered) - 1))] if ordered else None


@dataclass
class AskedQuestion:
    """A normalised question, how often it was asked, by whom, and how its answers were rated."""

    frequency: int = 0
    askers: set[str] = field(default_factory=set)
    ratings: list[int] = field(default_factory=list)


Periods = dict[str, Use]
"""Use by period, of UTC or of a user's own calendar."""


class Recount:
    """Everything that is compared, each counted in the plainest way."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self.asked = [Asked.of(turn) for turn in turns]

    def utc_use(self, length: int) -> Periods:
        """Use by day (`length` 10) or month (7) of UTC."""
        return _use((asked.utc_day[:length], asked) for asked in self.asked)

    def utc_use_by(self, dimension: str, length: int) -> dict[tuple[str, str], Use]:
        """The same by a dimension's values, too."""
        name = DIMENSIONS[dimension]
        return _use(((asked.utc_day[:length], asked.turn.body[name]), asked) for asked in self.asked)

    def health(self, length: int) -> dict[str, Health]:
        told: dict[str, Health] = defaultdict(Health)
        for asked in self.asked:
            told[asked.utc_day[:length]].add(asked)
        return told

    def sessions_started(self, length: int) -> Counter[str]:
        """Sessions by the day or month of UTC of their first turn."""
        first: dict[str, str] = {}
        for asked in sorted(self.asked, key=lambda one: one.at):
            first.setdefault(asked.turn.session_id, asked.utc_day[:length])
        return Counter(first.values())

    def active_users_by_utc_day(self) -> dict[str, int]:
        return _distinct((asked.utc_day, asked.user) for asked in self.asked)

    def active_users_by_own_month(self) -> dict[str, int]:
        return _distinct((asked.day.isoformat()[:7], asked.user) for asked in self.asked)

    def new_users(self, length: int) -> Counter[str]:
        """Users by the day or month of UTC of their first turn."""
        first: dict[str, str] = {}
        for asked in sorted(self.asked, key=lambda one: one.at):
            first.setdefault(asked.user, asked.utc_day[:length])
        return Counter(first.values())

    @cached_property
    def questions(self) -> dict[str, AskedQuestion]:
        """By their normalised text."""
        found: dict[str, AskedQuestion] = defaultdict(AskedQuestion)
        for asked in self.asked:
            question = found[asked.question]
            question.frequency += 1
            question.askers.add(asked.user)
            if asked.turn.body.get("user_rating") is not None:
                question.ratings.append(asked.turn.body["user_rating"])
        return dict(found)

    @property
    def common_questions(self) -> dict[str, AskedQuestion]:
        return {text: one for text, one in self.questions.items() if text and len(one.askers) >= ASKERS_NEEDED}

    def user_use(self) -> dict[tuple[str, str, str], Use]:
        """Use by user, period and which: of days, weeks and months of the user's own, sessions, and all time."""
        return _use((key, asked) for asked in self.asked for key in _own_periods(asked))

    def user_models(self) -> dict[tuple[str, str, str], Counter[str]]:
        """Turns by model, of the same."""
        models: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for asked in self.asked:
            for key in _own_periods(asked):
                models[key][asked.turn.body["model_used"]] += 1
        return models


def normalised(text: str) -> str:
    """A question's text without case, width, spacing, punctuation and a trailing counter.

    The counter: a number of up to six digits, with nothing but punctuation behind it, that stands after the end of a
    sentence, or after a space and one of `#`, `№`, `(` and `[`.
    """
    folded = unicodedata.normalize("NFKC", text[:4000]).casefold().strip()
    end = len(folded)
    while end and not _is_word(folded[end - 1]):
        end -= 1
    start = end
    while start and folded[start - 1].isdecimal():
        start -= 1
    if 0 < end - start <= LONGEST_COUNTER:
        before = folded[:start]
        ends_a_sentence = before.rstrip()[-1:] in tuple(_SENTENCE_ENDS)
        has_a_sign = before[-1:] in tuple(_COUNTER_SIGNS) and before[-2:-1].isspace()
        folded = before if ends_a_sentence or has_a_sign else folded
    return " ".join("".join(char if unicodedata.category(char)[0] in "LMNS" else " " for char in folded).split())


def nano_usd(turn: Turn, at: datetime) -> int | None:
    """What a turn cost by the price table's own calculation, in 1e-9 USD rounded half up; None without a price."""
    usage = Usage(input_tokens=turn.body["input_tokens"], output_tokens=turn.body["output_tokens"])
    try:
        price = calc_price(usage, turn.body["model_used"], genai_request_timestamp=at).total_price
    except LookupError:
        return None
    return int((price * Decimal(10**9)).to_integral_value(ROUND_HALF_UP))


def mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _own_periods(asked: Asked) -> list[tuple[str, str, str]]:
    day = asked.day.isoformat()
    periods = {
        "daily": day,
        "weekly": _iso_week(asked.day),
        "monthly": day[:7],
        "session": asked.turn.session_id,
        "all_time": "",
    }
    return [(asked.user, period, key) for period, key in periods.items()]


def _use(keyed: Iterable[tuple[Key, Asked]]) -> dict[Key, Use]:
    used: dict[Key, Use] = defaultdict(Use)
    for key, asked in keyed:
        used[key].add(asked)
    return dict(used)


def _distinct(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    return dict(Counter(key for key, _ in set(pairs)))


def _iso_week(day: date) -> str:
    return day.strftime("%G-W%V")


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
