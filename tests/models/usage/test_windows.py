"""Windows follow from the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.accounts.limits import WINDOWS
from models.usage.windows import Clock, is_over


@pytest.mark.parametrize(
    ("zone", "day", "day_ends", "month_ends"),
    [
        ("UTC", "day:2026-10-31", "2026-11-01T00:00", "2026-11-01T00:00"),
        ("Asia/Kolkata", "day:2026-11-01", "2026-11-01T18:30", "2026-11-30T18:30"),
        ("Pacific/Kiritimati", "day:2026-11-01", "2026-11-01T10:00", "2026-11-30T10:00"),
        ("America/New_York", "day:2026-10-31", "2026-11-01T04:00", "2026-11-01T04:00"),
    ],
)
def test_day_and_month_are_those_of_the_zone(zone: str, day: str, day_ends: str, month_ends: str) -> None:
    clock = Clock(datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), zone)
    assert clock.key("minute") == "minute:2026-10-31T23:59"
    assert clock.end("minute") == datetime(2026, 11, 1, tzinfo=UTC)
    assert (clock.key("day"), clock.key("month")) == (day, "month:" + day[4:11])
    assert clock.end("day") == datetime.fromisoformat(day_ends).replace(tzinfo=UTC)
    assert clock.end("month") == datetime.fromisoformat(month_ends).replace(tzinfo=UTC)


def test_a_day_of_25_hours_ends_after_25_hours() -> None:
    clock = Clock(datetime(2026, 11, 1, 4, 0, tzinfo=UTC), "America/New_York")
    assert clock.end("day") - clock.now == timedelta(hours=25)


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "UTC", "Pacific/Kiritimati"])
def test_no_window_is_forgotten_while_it_is_current_somewhere(zone: str) -> None:
    for hour in range(24 * 40):
        now = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(hours=hour)
        for window in WINDOWS[1:]:
            key = Clock(now, zone).key(window)
            assert not is_over(key, now)
            assert is_over(key, now + timedelta(days=33))


def test_minutes_are_forgotten_some_minutes_later() -> None:
    now = datetime(2026, 11, 20, 12, 0, 59, tzinfo=UTC)
    key = Clock(now).key("minute")
    assert not is_over(key, now + timedelta(minutes=10))
    assert is_over(key, now + timedelta(minutes=11))


def test_what_is_yet_to_come_counts_as_now() -> None:
    clock = Clock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    assert clock.current(clock.now + timedelta(days=400)) == [
        "minute:2026-11-20T12:00",
        "day:2026-11-20",
        "month:2026-11",
    ]
    assert clock.current(clock.now - timedelta(minutes=1)) == ["day:2026-11-20", "month:2026-11"]
