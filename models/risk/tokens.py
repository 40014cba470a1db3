"""Token abuse: tokens burnt with little thought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.risk.facts import TurnFacts
from models.risk.finding import Finding, finding, strongest
from models.risk.spans import DAY, between, within
from models.risk.thresholds import TokenLimits


def token_abuse(turns: Sequence[TurnFacts], limits: TokenLimits) -> Finding | None:
    """Judges turns, in time order, by the tokens that neither their question nor their conversation explains."""
    heavy = [(turn, tokens) for turn, tokens in _unexplained(turns) if tokens >= limits.heavy_tokens]
    return strongest(
        [
            _burnt(heavy, turns, DAY, limits.tokens_per_day, "tokens_per_day", limits),
            _burnt(heavy, turns, 7 * DAY, limits.tokens_per_week, "tokens_per_week", limits),
        ]
    )


def _unexplained(turns: Sequence[TurnFacts]) -> Iterator[tuple[TurnFacts, int]]:
    """Each turn with its unexplained tokens.

    A long question explains its own tokens: never more than one for each byte. A conversation explains an input that is
    what went before: its last input and output, give or take what the next question adds and a context shortened.
    Input read from a cache was sent before, and costs little.
    """
    before: dict[str, TurnFacts] = {}
    for turn in turns:
        carried = _total(before[turn.session]) if turn.session in before else 0
        entered = turn.fresh_input + turn.cached_input - turn.size
        continues = carried > 0 and abs(entered - carried) <= max(2000, carried // 10)
        yield turn, turn.output + (0 if continues else max(0, turn.fresh_input - turn.size))
        before[turn.session] = turn


def _total(turn: TurnFacts) -> int:
    return turn.fresh_input + turn.cached_input + turn.output


def _burnt(
    heavy: Sequence[tuple[TurnFacts, int]],
    turns: Sequence[TurnFacts],
    span: int,
    limit: int,
    pattern: str,
    limits: TokenLimits,
) -> Finding | None:
    heavy_turns = [turn for turn, _ in heavy]
    spans = (
        (sum(tokens for _, tokens in heavy[start:end]), start, end)
        for start, end in within(heavy_turns, span)
        if end - start >= limits.turns
    )
    tokens, start, end = max(spans, default=(0, 0, 0))
    burning = heavy_turns[start:end]
    if tokens < limit or len(burning) < limits.share * len(between(turns, burning[0].at, burning[-1].at)):
        return None
    days = span // DAY
    summary = (
        f"{tokens:,} tokens in {len(burning)} turns within {days * 24} h, beyond what the questions and the "
        f"conversation explain; {limit:,} are allowed"
    )
    return finding("token_abuse", pattern, tokens, limit, burning, summary)
