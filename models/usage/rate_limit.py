"""A user's limits as HTTP header fields, for clients and proxies that know nothing of this API.

Source: draft-ietf-httpapi-ratelimit-headers-11: lists of structured fields, one item for each limit. Cost is told in
1e-6 USD, for amounts are whole numbers there.
"""

from __future__ import annotations

from math import ceil

from models.accounts.limits import WINDOWS, LimitKey, Limits
from models.core.limits import Measure
from models.usage.allowance import Allowance
from models.usage.windows import Clock

LARGEST = 10**15 - 1
"""An integer of structured fields has 15 digits (RFC 9651, 3.3.1)."""

NANO_PER_MICRO = 1000
_UNITS: dict[Measure, str] = {"queries": "", "tokens": ';qu="tokens"', "cost_nano_usd": ';qu="micro-usd"'}
_NAMES: dict[Measure, str] = {"queries": "queries", "tokens": "tokens", "cost_nano_usd": "cost"}


def policies(limits: Limits, clock: Clock) -> str:
    """`RateLimit-Policy`: each limit with its quota, its unit where that is not requests, and its seconds."""
    return ", ".join(
        f"{_name(key)};q={_amount(key, limits[key])}{_UNITS[key[1]]};w={_seconds(key, clock)}"
        for key in _ordered(limits)
    )


def remaining(allowance: Allowance, limits: Limits, clock: Clock) -> str:
    """`RateLimit`: of each limit what is left, without what is reserved, and the seconds until it is whole again."""
    return ", ".join(
        f"{_name(key)};r={_amount(key, _left(key, allowance, limits, clock))}"
        f";t={ceil((clock.end(key[0]) - clock.now).total_seconds())}"
        for key in _ordered(limits)
    )


def rate_limit_headers(allowance: Allowance | None, limits: Limits, clock: Clock) -> dict[str, str]:
    """Both fields, or the first alone where nobody has looked at the allowance; none without limits."""
    if not limits:
        return {}
    state = {"RateLimit": remaining(allowance, limits, clock)} if allowance else {}
    return {"RateLimit-Policy": policies(limits, clock)} | state


def _ordered(limits: Limits) -> list[LimitKey]:
    return sorted(limits, key=lambda key: WINDOWS.index(key[0]))


def _name(key: LimitKey) -> str:
    return f'"{key[0]}-{_NAMES[key[1]]}"'


def _left(key: LimitKey, allowance: Allowance, limits: Limits, clock: Clock) -> int:
    window, measure = key
    return max(0, limits[key] - allowance.used_in(clock, window, measure) - allowance.reserved(measure, clock.now))


def _amount(key: LimitKey, amount: int) -> int:
    return min(amount // NANO_PER_MICRO if key[1] == "cost_nano_usd" else amount, LARGEST)


def _seconds(key: LimitKey, clock: Clock) -> int:
    """Of the current window: a day may have 23 hours, and a month 28 days."""
    return round((clock.end(key[0]) - clock.start(key[0])).total_seconds())
