"""Signs of misuse that a user's days show by what they count: the same for the same turns, whenever they are counted.

They are fewer than what the rules find in the turns themselves: repetition, timing and places need their order, and are
told by the profile and the risk route. The marks are the rules' defaults: a rollup means the same whatever is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from models.counting.bucket import Sums, by_count
from models.risk.facts import TurnFacts
from models.risk.finding import strength
from models.risk.spam import is_advertisement
from models.risk.text import Signal
from models.risk.thresholds import Thresholds

MARKS = Thresholds()
SIGN = "sign"
"""The dimension by which longer periods know their days' signs: `<rule>/<pattern>/<strength in hundredths>`."""

Signs = dict[tuple[str, str], float]
"""Strengths, in hundredths, by rule and pattern."""


def of_facts(facts: TurnFacts) -> Sums:
    """What a turn adds to its day. Of later turns of a session only the output is known to be new."""
    brought = max(0, facts.fresh_input - facts.size) if facts.has(Signal.FIRST) else 0
    beyond = max(0, brought + facts.output - MARKS.token_abuse.free_tokens)
    measures = {
        "automated": int(facts.has(Signal.AUTOMATED)),
        "advertisements": int(is_advertisement(facts)),
        "heavy_turns": int(beyond > 0),
        "heavy_tokens": beyond,
    }
    return {measure: value for measure, value in measures.items() if value}


def of_a_day(sums: Mapping[str, int]) -> Signs:
    """The signs of one day of a user's calendar. An hour is one of its clock: that which comes twice is one."""
    turns, excessive, burning = sums.get("interactions", 0), MARKS.excessive_usage, MARKS.token_abuse
    spam, timing = MARKS.spam, MARKS.bot_like_patterns
    hour = max(by_count(sums, "hour").values(), default=0)
    automated, advertising = sums.get("automated", 0), sums.get("advertisements", 0)
    tokens, heavy = sums.get("heavy_tokens", 0), sums.get("heavy_turns", 0)
    burns = heavy >= max(burning.turns_per_day, burning.share * turns)
    times = {
        ("excessive_usage", "turns_per_day"): turns / excessive.turns_per_day,
        ("excessive_usage", "turns_per_hour"): hour / excessive.turns_per_hour,
        ("bot_like_patterns", "automated_turns"): (automated >= timing.automated_share * turns)
        * automated
        / timing.automated_turns,
        ("spam", "advertisements"): (advertising >= spam.share * turns) * advertising / spam.turns,
        ("token_abuse", "tokens_per_day"): burns * tokens / burning.tokens_per_day,
    }
    return {sign: round(strength(passed), 2) for sign, passed in times.items() if passed >= 1}


def to_longer_periods(sums: Mapping[str, int]) -> Sums:
    """A day's signs as the week, the month and all time count them."""
    return {f"{SIGN}:{rule}/{pattern}/{round(100 * s)}": 1 for (rule, pattern), s in of_a_day(sums).items()}


def of_days(sums: Mapping[str, int]) -> Signs:
    """The signs of the days that a longer period counts, each as strong as on its worst day."""
    signs: Signs = {}
    for value in by_count(sums, SIGN):
        rule, _, rest = value.partition("/")
        pattern, _, hundredths = rest.partition("/")
        if hundredths:
            signs[rule, pattern] = max(signs.get((rule, pattern), 0), int(hundredths) / 100)
    return signs


def anomalies(signs: Signs) -> list[str]:
    """`usage_anomalies`: the patterns seen on the day, or on any day of the period; none of a session."""
    return sorted({pattern for _, pattern in signs})


def indicators(signs: Signs) -> dict[str, float]:
    """`risk_indicators`: by rule the strength of the strongest of them, 0.5 at the mark and 1 from twice of it on."""
    return {rule: max(s for (of, _), s in signs.items() if of == rule) for rule in sorted({rule for rule, _ in signs})}


def likelihood(signs: Signs) -> float:
    """`abuse_likelihood`: the chance, 0-1, that one rule is right, if each is with the chance of its strength."""
    return round(1 - prod(1 - one for one in indicators(signs).values()), 4)
