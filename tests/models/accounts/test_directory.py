"""When the directory is asked about a user, and what its answer changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.accounts.directory import DirectoryEntry, described, is_due
from models.accounts.profile import UserProfile
from tests.models.examples import ALICE, NOON

HOUR = timedelta(hours=1)


def a_profile(**values: Any) -> UserProfile:
    return UserProfile.of(ALICE, NOON, NOON).model_copy(update=values)


@pytest.mark.parametrize(
    ("attempted", "synced", "due"),
    [
        (None, None, True),
        (NOON - HOUR, None, True),
        (NOON - HOUR + timedelta(seconds=1), None, False),
        (NOON - 23 * HOUR, NOON - 23 * HOUR, False),
        (NOON - 24 * HOUR, NOON - 24 * HOUR, True),
        (NOON - HOUR, NOON - 25 * HOUR, True),
        (NOON, NOON - 24 * HOUR, False),
    ],
)
def test_it_is_asked_a_day_after_an_answer_and_an_hour_after_a_failure(
    attempted: datetime | None, synced: datetime | None, due: bool
) -> None:
    assert is_due(a_profile(graph_attempted_at=attempted, graph_synced_at=synced), NOON) is due


def test_its_answer_fills_the_profile() -> None:
    entry = DirectoryEntry("Librarian", "Contoso", "hi-IN", "data:image/png;base64,AA==")
    assert described(a_profile(), entry) == {
        "job_title": "Librarian",
        "company_name": "Contoso",
        "preferred_language": "hi-IN",
        "profile_picture_url": "data:image/png;base64,AA==",
    }
    assert described(a_profile(job_title="Librarian", company_name="Fabrikam"), DirectoryEntry("Librarian")) == {
        "company_name": None
    }


@pytest.mark.parametrize("chosen", [{"preferred_language": "fr"}, {"graph_synced_at": NOON}])
def test_a_language_that_the_user_chose_stays(chosen: dict[str, Any]) -> None:
    assert described(a_profile(**chosen), DirectoryEntry(preferred_language="hi-IN")) == {}
