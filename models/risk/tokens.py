"""Token abuse: tokens burnt with little thought."""

from __future__ import annotations

from collections.abc import Sequence

from models.accounts.finding import Finding
from models.risk.brought import brought
from models.risk.facts import TurnFacts
from models.risk.finding import finding, strongest
from models.risk.spans import DAY, HOUR, between, within
from models.risk.thresholds import TokenLimits

WAKING = 14 * HOUR
"""A day without its night: 24 hours would hold parts of two days, and the documents that are read in both."""

Heavy = tuple[TurnFacts, int]
"""A turn, and its tokens beyond what any may have."""


def token_abuse(turns: Sequence[TurnFacts], limits: TokenLimits) -> Finding | None:
    """Judges turns, in time order, by the tokens that neither their question nor their conversation explains.

    Each turn may have some: a prompt of the product's own, what was retrieved, a long answer. What is beyond that adds
    up, so that there is no size just below which it does not count. What a session brings again with each turn is taken
    for a document that is being read, until it has been so many times in a day that nobody is reading.
    """
    new: list[Heavy] = []
    all_day: list[Heavy] = []
    for turn, brought_now, again in brought(turns):
        for heavy, tokens in ((new, brought_now), (all_day, brought_now + again)):
            beyond = tokens + turn.output - limits.free_tokens
            if beyond > 0:
                heavy.append((turn, beyond))
    return strongest(
        [
            _burnt(new, turns, WAKING, limits.tokens_per_day, limits.turns_per_day, "tokens_per_day", limits),
            _burnt(new, turns, 7 * DAY, limits.tokens_per_week, limits.turns_per_week, "tokens_per_week", limits),
            _burnt(all_day, turns, WAKING, limits.tokens_per_day, limits.turns_all_day, "tokens_all_day", limits),
        ]
    )


def _burnt(
    heavy: Sequence[Heavy],
    turns: Sequence[TurnFacts],
    span: int,
    limit: int,
    least: int,
    pattern: str,
    limits: TokenLimits,
) -> Finding | None:
    heavy_turns = [turn for turn, _ in heavy]
    spans = (
        (sum(tokens for _, tokens in heavy[start:end]), start, end)
        for start, end in within(heavy_turns, span)
        if end - start >= least
    )
    tokens, start, end = max(spans, default=(0, 0, 0))
    burning = heavy_turns[start:end]
    if tokens < limit or len(burning) < limits.share * len(between(turns, burning[0].at, burning[-1].at)):
        return None
    summary = (
        f"{tokens:,} tokens in {len(burning)} turns within {span // HOUR} h, beyond what the questions and the "
        f"conversation explain and {limits.free_tokens:,} a turn; {limit:,} are allowed"
    )
    return finding("token_abuse", pattern, tokens, limit, burning, summary)
