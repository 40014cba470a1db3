"""What follows from a score for the account."""

from __future__ import annotations

from datetime import datetime

from models.accounts.moderation import ModerationAction, kept
from models.accounts.profile import UserProfile
from models.risk.window import RiskWindow

POLICY = "policy"


def after_policy(profile: UserProfile, window: RiskWindow, shadow: bool, now: datetime) -> UserProfile:
    """The profile as the policy wants it: suspended if it says so, and it is not only to be recorded.

    Whom staff have restored is suspended again for evidence that is newer than that only. Staff are never suspended by
    a rule: their findings are there to be read, and somebody with the right to decides.
    """
    latest = max((found.last_seen for found in window.findings.values()), default=None)
    may_suspend = not shadow and profile.account_status == "active" and not profile.staff_roles
    if window.decision != "suspend" or not may_suspend or latest is None:
        return profile
    if any(action.action == "restore" and action.at >= latest for action in profile.moderation_actions):
        return profile
    rules = ", ".join(sorted(window.findings))
    action = ModerationAction(
        action="suspend",
        reason=f"Risk score {window.score:g}: {rules}",
        by=POLICY,
        at=now,
        status_before="active",
        status_after="suspended",
    )
    return profile.model_copy(
        update={"account_status": "suspended", "moderation_actions": kept(profile.moderation_actions, action)}
    )
