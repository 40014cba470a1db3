"""What rollups say of misuse: signs that days show by what they count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import prod

from bench.recount.definitions.turns import Fields, Item, Turn

Signs = dict[tuple[str, str], float]
"""Strengths by rule and pattern."""

A_DAY, AN_HOUR, AUTOMATED, ADVERTISING, HEAVY, FREE, BEYOND = 150, 110, 25, 8, 20, 5_000, 250_000
"""Turns in a day, turns in an hour of it, turns of programs, turns that advertise, turns with many tokens; tokens that
any turn may have, and how many beyond these in a day are a sign."""


def beyond(turn: Turn) -> int:
    """Tokens beyond the free ones that nothing explains: of a session's first turn what its question does not, and its
    output; of later turns the output."""
    size = turn["question_facts"]["size"] if turn["question_facts"] else len(turn["user_query"].strip().encode())
    inputs = ("input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "input_audio_tokens")
    outputs = ("output_tokens", "reasoning_tokens", "output_audio_tokens")
    brought = max(0, sum(turn[name] for name in inputs) - size) if turn["interaction_sequence"] == 1 else 0
    return max(0, brought + sum(int(turn[name]) for name in outputs) - FREE)


def counts_of(turns: Iterable[Turn], advertises: Callable[[Item], bool]) -> dict[str, int]:
    """What days count of it."""
    turns = list(turns)
    heavy = [tokens for turn in turns if (tokens := beyond(turn))]
    counts = {
        "automated": sum(turn["device_type"] == "bot" for turn in turns),
        "advertisements": sum(advertises(turn.item) for turn in turns),
        "heavy_turns": len(heavy),
        "heavy_tokens": sum(heavy),
    }
    return {name: count for name, count in counts.items() if count}


def of_day(turns: Sequence[Turn], advertises: Callable[[Item], bool]) -> Signs:
    counts = Counter(counts_of(turns, advertises))
    hour = max(Counter(turn.local.hour for turn in turns).values(), default=0)
    passed = {("excessive_usage", "turns_per_day"): len(turns) / A_DAY}
    passed["excessive_usage", "turns_per_hour"] = hour / AN_HOUR
    if counts["automated"] >= 0.5 * len(turns):
        passed["bot_like_patterns", "automated_turns"] = counts["automated"] / AUTOMATED
    if counts["advertisements"] >= 0.15 * len(turns):
        passed["spam", "advertisements"] = counts["advertisements"] / ADVERTISING
    if counts["heavy_turns"] >= max(HEAVY, 0.3 * len(turns)):
        passed["token_abuse", "tokens_per_day"] = counts["heavy_tokens"] / BEYOND
    return {sign: round(round(min(1.0, times / 2), 4), 2) for sign, times in passed.items() if times >= 1}


def worst(days: Iterable[Signs]) -> Signs:
    """Each as strong as on its worst day."""
    found: Signs = {}
    for day in days:
        for sign, strength in day.items():
            found[sign] = max(strength, found.get(sign, 0))
    return found


def fields_of(signs: Signs) -> Fields:
    rules: dict[str, float] = {}
    for (rule, _), strength in sorted(signs.items()):
        rules[rule] = max(strength, rules.get(rule, 0))
    return {
        "usage_anomalies": sorted({pattern for _, pattern in signs}),
        "risk_indicators": rules,
        "abuse_likelihood": round(1 - prod(1 - strength for strength in rules.values()), 4),
    }
