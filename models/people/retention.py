"""How long what children gave is kept without a guardian's consent, or without use."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.accounts.profile import UserProfile

PENDING_KEPT = timedelta(days=30)
"""From when a child under 13 is known as one, until a guardian consents: only what asking needs is stored meanwhile."""


def is_to_go(profile: UserProfile, now: datetime, kept: timedelta) -> bool:
    """Whether the account of a child under 13 is to be erased.

    Args:
        kept: From a withdrawal, or from the last sign-in or turn.
    """
    consent = profile.parental_consent
    if consent is None or not profile.is_under_13(now):
        return False
    since = consent.at or profile.updated_at or profile.created_at
    if consent.status in ("none", "pending"):
        return now - since > PENDING_KEPT
    if consent.status == "withdrawn":
        return now - since > kept
    return now - max(profile.last_activity, profile.last_login) > kept
