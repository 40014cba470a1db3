"""Quantiles of response times from a histogram whose sums can be added and taken away.

Each bin is as wide as a given share of its value, so that whatever is read from it is wrong by `RELATIVE_ERROR` at
most: DDSketch (Masson, Rim and Lee, VLDB 2019), without the collapsing of bins: milliseconds of a day need 914 bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log

from models.counting.bucket import Sums, by_count

RELATIVE_ERROR = 0.01
_BASE = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_DIMENSION = "response_ms"


def counted(milliseconds: int) -> Sums:
    """The measure of one response; nothing for 0, which says that its time is not known."""
    return {f"{_DIMENSION}:{ceil(log(milliseconds) / log(_BASE))}": 1} if milliseconds > 0 else {}


def quantile(sums: Mapping[str, int], share: float) -> float | None:
    """The time in milliseconds that `share` (0-1) of the responses took at most; None without any.

    That of rank `floor(share * (n - 1))` of the n sorted times, within `RELATIVE_ERROR`.
    """
    bins = sorted((int(index), count) for index, count in by_count(sums, _DIMENSION).items())
    rank = int(share * (sum(count for _, count in bins) - 1))
    for index, count in bins:
        rank -= count
        if rank < 0:
            return round(2 * _BASE**index / (_BASE + 1), 1)
    return None
