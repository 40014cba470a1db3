"""Which guardian is primary, how engaged a parent is, and how long a child's account is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.accounts.profile import ParentalConsent, UserProfile
from models.people.engagement import engagement_of
from models.people.guardianship import Guardianship, guardianship_id, primary_of
from models.people.retention import is_to_go

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
CHILD, MOTHER, FATHER = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "123")


def days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def a_guardianship(parent_id: str, confirmed_at: datetime, **fields: Any) -> Guardianship:
    made: dict[str, Any] = {
        "id": guardianship_id(parent_id),
        "partition_key": CHILD,
        "student_id": CHILD,
        "parent_id": parent_id,
        "relation": "parent",
        "verification_method": "Seen",
        "requested_at": confirmed_at,
        "created_at": confirmed_at,
        "updated_at": confirmed_at,
        "child_name": "Leo",
    }
    return Guardianship.model_validate(made | fields)


def a_child(birth_year: int, consent: ParentalConsent | None, seen: datetime = NOW) -> UserProfile:
    return UserProfile(
        id=CHILD,
        partition_key=CHILD,
        auth_id=CHILD,
        tenant_id=CHILD,
        name="Leo",
        birth_year=birth_year,
        parental_consent=consent,
        created_at=days(1000),
        last_login=seen,
        last_activity=seen,
    )


@pytest.mark.parametrize(
    ("opens", "level"), [(0, "low"), (1, "low"), (2, "medium"), (7, "medium"), (8, "high"), (900, "high")]
)
def test_engagement_follows_from_how_often_reports_are_opened(opens: int, level: str) -> None:
    assert engagement_of(opens) == level


def test_the_primary_guardian_is_who_is_said_to_be_else_the_first_who_was_confirmed() -> None:
    mother, father = a_guardianship(MOTHER, days(3)), a_guardianship(FATHER, days(5))
    assert primary_of([]) is None
    assert primary_of([mother, father]) is father
    assert primary_of([mother.model_copy(update={"is_primary": True}), father]) == mother.model_copy(
        update={"is_primary": True}
    )
    assert primary_of([mother, father.model_copy(update={"status": "ended", "is_primary": True})]) is mother


@pytest.mark.parametrize(
    ("birth_year", "status", "since", "seen", "goes"),
    [
        (2016, "pending", 30, 0, False),
        (2016, "pending", 30.1, 0, True),
        (2016, "none", 31, 0, True),
        (2016, "granted", 900, 364, False),
        (2016, "granted", 900, 366, True),
        (2016, "withdrawn", 364, 0, False),
        (2016, "withdrawn", 366, 0, True),
        (2012, "pending", 900, 900, False),
        (1990, "withdrawn", 900, 900, False),
    ],
)
def test_a_childs_account_goes_without_consent_or_use(
    birth_year: int, status: Any, since: float, seen: float, goes: bool
) -> None:
    consent = ParentalConsent(required=True, status=status, at=days(since))
    assert is_to_go(a_child(birth_year, consent, days(seen)), NOW, timedelta(days=365)) is goes


def test_who_never_said_an_age_is_kept() -> None:
    assert not is_to_go(a_child(2016, None), NOW, timedelta(days=365))
