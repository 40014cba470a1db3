"""What users change about their own profiles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models.accounts.consent import CHANGES_KEPT
from models.accounts.preferences import MAX_BYTES, PreferenceChanges
from models.accounts.profile import UserProfile
from models.accounts.profile_changes import ProfileChanges, changed
from models.core.errors import PreferencesTooLarge
from tests.models.examples import ALICE, NOON


def a_profile() -> UserProfile:
    return UserProfile.of(ALICE, NOON, NOON)


def after(profile: UserProfile, minutes: int = 1, **changes: Any) -> UserProfile:
    return changed(profile, ProfileChanges.model_validate(changes), NOON + timedelta(minutes=minutes))


def test_what_is_absent_stays() -> None:
    profile = after(a_profile(), preferred_language="hi", user_preferences={"theme": "dark"})
    edits = {"preferred_language": "hi", "user_preferences": {"theme": "dark"}}
    assert profile == a_profile().model_copy(update=edits | {"updated_at": NOON + timedelta(minutes=1)})


def test_null_clears_the_preferences_and_the_time_zone() -> None:
    profile = after(after(a_profile(), user_preferences={"theme": "dark"}), user_preferences=None, timezone=None)
    assert (profile.user_preferences, profile.timezone) == ({}, None)


def test_preferences_merge_without_a_change_to_be_made() -> None:
    profile = after(a_profile(), user_preferences={"theme": "dark"})
    assert after(profile, user_preferences={}).user_preferences == {"theme": "dark"}


def test_only_consents_that_change_are_recorded() -> None:
    profile = after(a_profile(), analytics_consent=False, data_retention_consent=True)
    assert [(change.consent, change.given) for change in profile.consent_history] == [("analytics_consent", False)]
    assert profile.last_consent_update == profile.consent_history[0].changed_at == NOON + timedelta(minutes=1)
    same = after(profile, 5, analytics_consent=False)
    assert same == profile


def test_the_history_of_consents_is_bounded_and_keeps_the_latest() -> None:
    profile = a_profile()
    for minute in range(CHANGES_KEPT + 20):
        profile = after(profile, minute, marketing_consent=not profile.marketing_consent)
    assert len(profile.consent_history) == CHANGES_KEPT
    assert profile.consent_history[-1].changed_at == profile.last_consent_update


def test_a_profile_with_a_history_survives_being_stored_and_read() -> None:
    profile = after(a_profile(), marketing_consent=True, user_preferences={"z": [1, {"a": None}]})
    assert UserProfile.parse(profile.body()) == profile


def test_preferences_are_measured_as_they_are_stored() -> None:
    room = MAX_BYTES - len('{"a":""}')
    assert PreferenceChanges.model_validate({"a": "x" * room}).applied({})
    for too_much in ("x" * (room + 1), "ü" * (room // 2 + 1)):
        with pytest.raises(PreferencesTooLarge):
            PreferenceChanges.model_validate({"a": too_much}).applied({})
    with pytest.raises(PreferencesTooLarge):
        PreferenceChanges.model_validate({"b": 1}).applied({"a": "x" * room})


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [float("-inf")], 2**53 + 1, {"": 1}, {"x" * 129: 1}, nested(16)],
    ids=["nan", "infinity", "in a list", "too large", "no name", "long name", "deep"],
)
def test_what_the_database_could_not_give_back_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        PreferenceChanges.model_validate({"own": value})


@pytest.mark.parametrize("value", [None, True, 0.5, -(2**53), "", [], {}, {"x" * 128: [None]}, nested(15)], ids=str)
def test_other_preferences_may_have_any_value(value: Any) -> None:
    kept = PreferenceChanges.model_validate({"own": value}).applied({})
    assert kept == ({} if value is None else {"own": value})
