"""What staff may do to an account."""

from __future__ import annotations

import pytest

from models.accounts.moderation import ACTIONS_KEPT, AccountStatus, ModerationAction, ModerationKind, kept, status_after
from models.core.errors import WrongStatus
from tests.models.examples import NOON


@pytest.mark.parametrize(
    ("action", "status", "after"),
    [
        ("suspend", "active", "suspended"),
        ("block", "active", "blocked"),
        ("block", "suspended", "blocked"),
        ("restore", "suspended", "active"),
        ("restore", "blocked", "active"),
        ("note", "active", "active"),
        ("note", "blocked", "blocked"),
    ],
)
def test_an_action_leads_from_status_to_status(
    action: ModerationKind, status: AccountStatus, after: AccountStatus
) -> None:
    assert status_after(action, status) == after


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("suspend", "suspended"),
        ("suspend", "blocked"),
        ("block", "blocked"),
        ("restore", "active"),
        ("suspend", "deleted"),
        ("block", "deleted"),
        ("restore", "deleted"),
        ("note", "deleted"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(action: ModerationKind, status: AccountStatus) -> None:
    with pytest.raises(WrongStatus):
        status_after(action, status)


def test_the_newest_actions_are_kept() -> None:
    actions: list[ModerationAction] = []
    for n in range(ACTIONS_KEPT + 5):
        action = ModerationAction(
            action="note", reason=f"note {n}", by="policy", at=NOON, status_before="active", status_after="active"
        )
        actions = kept(actions, action)
    assert [action.reason for action in actions] == [f"note {n}" for n in range(5, ACTIONS_KEPT + 5)]
