"""Spam: advertisements where questions should be."""

from __future__ import annotations

from collections.abc import Sequence

from models.accounts.finding import Finding
from models.risk.facts import TurnFacts
from models.risk.finding import finding, strongest
from models.risk.likeness import alike
from models.risk.spans import between
from models.risk.text import Signal
from models.risk.thresholds import SpamLimits


def spam(turns: Sequence[TurnFacts], limits: SpamLimits) -> Finding | None:
    """Judges turns, in time order, by their content and, where the words are unknown, by their wording.

    A request is not spam: people ask for advertisements to be written, and for pages behind links to be explained.
    """
    return strongest([_advertisements(turns, limits), _one_wording(turns, limits)])


BYTES_OF_AN_ADVERTISEMENT = 500
"""A longer text has to promise more: some such words are in any essay."""


def is_advertisement(turn: TurnFacts) -> bool:
    """Whether a turn leads somewhere and promises something, instead of asking."""
    if turn.has(Signal.REQUEST):
        return False
    leads = turn.has(Signal.LINK) or turn.has(Signal.CONTACT)
    emphasis = turn.has(Signal.MONEY) + turn.has(Signal.SHOUT)
    longer = turn.size // BYTES_OF_AN_ADVERTISEMENT
    if leads:
        return turn.promotion + emphasis >= 2 + longer
    return turn.promotion >= 3 + longer and emphasis >= 1


def _advertisements(turns: Sequence[TurnFacts], limits: SpamLimits) -> Finding | None:
    found = [turn for turn in turns if is_advertisement(turn)]
    if len(found) < limits.turns or not _prevails(found, turns, limits.share):
        return None
    summary = f"{len(found)} turns advertise, with links or contacts; {limits.turns} are allowed"
    return finding("spam", "advertisements", len(found), limits.turns, found, summary)


def _one_wording(turns: Sequence[TurnFacts], limits: SpamLimits) -> Finding | None:
    leading = [turn for turn in turns if _may_advertise(turn)]
    groups = (group for group in alike(leading, limits.template_similarity))
    found = max(groups, key=len, default=[])
    if len(found) < limits.template_turns or not _prevails(found, turns, limits.share):
        return None
    summary = f"{len(found)} turns carry a link in one wording; {limits.template_turns} are allowed"
    return finding("spam", "one_wording", len(found), limits.template_turns, found, summary)


def _may_advertise(turn: TurnFacts) -> bool:
    """Whether it leads somewhere and is no longer than an advertisement: a preamble of one's own may have a link."""
    leads = turn.has(Signal.LINK) or turn.has(Signal.CONTACT)
    promises = turn.promotion or turn.has(Signal.MONEY) or turn.has(Signal.SHOUT) or turn.has(Signal.CONTACT)
    longest = BYTES_OF_AN_ADVERTISEMENT if promises else BYTES_OF_AN_ADVERTISEMENT // 2
    spoken = turn.has(Signal.REQUEST) or turn.has(Signal.FAILED)
    return leads and 24 <= turn.size <= longest and not spoken


def _prevails(found: Sequence[TurnFacts], turns: Sequence[TurnFacts], share: float) -> bool:
    return len(found) >= share * len(between(turns, found[0].at, found[-1].at))
