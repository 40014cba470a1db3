"""The zone of limits follows the user, but not as often as they like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.accounts.profile import ZONE_STAYS, UserProfile
from models.accounts.profile_changes import ProfileChanges, changed
from tests.models.examples import ALICE

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def moved(profile: UserProfile, timezone: str | None, now: datetime) -> UserProfile:
    return changed(profile, ProfileChanges(timezone=timezone), now)


def test_limits_count_in_the_users_zone_and_follow_the_first_change() -> None:
    alice = UserProfile.of(ALICE, NOW, NOW)
    assert alice.counting_zone == "Asia/Kolkata"
    assert moved(alice, "Europe/Paris", NOW).counting_zone == "Europe/Paris"
    assert moved(alice, None, NOW).counting_zone == "UTC"
    assert moved(alice, "Asia/Kolkata", NOW).limit_zone is None


def test_moving_to_and_fro_gives_no_second_day() -> None:
    alice = moved(UserProfile.of(ALICE, NOW, NOW), "Pacific/Kiritimati", NOW)
    for hours, zone in enumerate(("Pacific/Pago_Pago", "UTC", "Asia/Kolkata"), start=1):
        alice = moved(alice, zone, NOW + timedelta(hours=hours))
        assert (alice.timezone, alice.counting_zone) == (zone, "Pacific/Kiritimati")
    assert moved(alice, "Europe/Paris", NOW + ZONE_STAYS).counting_zone == "Europe/Paris"
