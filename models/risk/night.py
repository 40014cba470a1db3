"""Whether an account has a night: people rest once a day, and at some hours of the day they are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from models.risk.facts import TurnFacts
from models.risk.spans import DAY, HOUR
from models.risk.thresholds import TimingLimits

QUIETEST = 6
"""Hours in a row."""


def share_at_night(turns: Sequence[TurnFacts], limits: TimingLimits) -> float | None:
    """The share of turns, in time order, that is in the quietest six hours of the day; None if there is a night.

    Both have to be missing, the rests and the quiet hours: who travels rests at other hours, who sleeps badly is awake
    in some nights. Whatever their time zone is, it is the same hours that are quiet.
    """
    gaps = [late.at - early.at for early, late in pairwise(turns)]
    active = sum(gap for gap in gaps if gap < DAY)
    if len(turns) < limits.night_turns or active < limits.night_days * DAY:
        return None
    if sum(gap >= limits.night_rest_hours * HOUR for gap in gaps) > limits.night_rests * active / DAY:
        return None
    by_hour = Counter(turn.at // HOUR % 24 for turn in turns)
    quietest = min(sum(by_hour[(start + hour) % 24] for hour in range(QUIETEST)) for start in range(24))
    share = quietest / len(turns)
    return share if share >= limits.night_share else None
