"""What Microsoft Graph knows of a user besides their token, and when to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.accounts.profile import UserProfile

AGAIN_AFTER_SUCCESS = timedelta(days=1)
AGAIN_AFTER_FAILURE = timedelta(hours=1)
UNSET_LANGUAGE = UserProfile.model_fields["preferred_language"].default


@dataclass(frozen=True)
class DirectoryEntry:
    """A user as their organisation's directory describes them; None where it does not say."""

    job_title: str | None = None
    company_name: str | None = None
    preferred_language: str | None = None
    profile_picture_url: str | None = None


def is_due(profile: UserProfile, now: datetime) -> bool:
    """Whether to ask the directory about a user who signs in at `now`."""
    attempted, synced = profile.graph_attempted_at, profile.graph_synced_at
    if attempted is None:
        return True
    succeeded = synced is not None and synced >= attempted
    return now - attempted >= (AGAIN_AFTER_SUCCESS if succeeded else AGAIN_AFTER_FAILURE)


def described(profile: UserProfile, entry: DirectoryEntry) -> dict[str, Any]:
    """The fields of the profile that change by what the directory says.

    The language is taken once, and only where nobody has chosen one: afterwards it is the user's own choice.
    """
    language = profile.preferred_language
    if profile.graph_synced_at is None and language == UNSET_LANGUAGE and entry.preferred_language:
        language = entry.preferred_language
    said = {
        "job_title": entry.job_title,
        "company_name": entry.company_name,
        "preferred_language": language,
        "profile_picture_url": entry.profile_picture_url,
    }
    return {name: value for name, value in said.items() if value != getattr(profile, name)}
