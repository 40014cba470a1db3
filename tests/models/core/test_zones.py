"""Zones as browsers and systems name them."""

import pytest
from tzlocal.windows_tz import win_tz

from models.core.zones import nearest_zone, zones


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("asia/kolkata", "Asia/Kolkata"),
        (" EUROPE/BERLIN ", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        (":Europe/Paris", "Europe/Paris"),
        ("India Standard Time", "Asia/Kolkata"),
        ("w. europe standard time", "Europe/Berlin"),
        ("FLE Standard Time", "Europe/Kyiv"),
        ("utc", "UTC"),
        ("Z", "UTC"),
        ("UTC+3", "Etc/GMT-3"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("UTC+0", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("Etc/Unknown", None),
        ("Mars/Phobos", None),
        ("localtime", None),
        ("UTC+15", None),
        ("UTC-13", None),
        ("UTC+5:30", None),
        ("undefined", None),
        ("", None),
        (" ", None),
        ("é" * 300, None),
    ],
)
def test_a_zone_is_known_by_other_names(name: str, zone: str | None) -> None:
    assert nearest_zone(name) == zone


def test_every_name_of_windows_is_a_zone() -> None:
    assert {nearest_zone(name) for name in win_tz} <= zones()
