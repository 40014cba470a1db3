"""What users change about their own profiles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args

from pydantic import Field, StringConstraints

from models.accounts.consent import MEANINGS, Consent, recorded
from models.accounts.preferences import MetadataChanges, NotificationChanges, PreferenceChanges
from models.accounts.profile import BirthYear, ParentalConsent, UserProfile
from models.core.changes import Changes
from models.core.errors import BirthYearFixed
from models.core.identity import Phone, Username
from models.core.values import LanguageTag, TimeZone

CONSENTS: tuple[Consent, ...] = get_args(Consent)

OPEN = ("user_preferences", "notification_settings", "metadata")
"""What has any names and values, and is merged one by one."""


class ProfileChanges(Changes):
    """What to change about the profile, at least one field, as a JSON merge patch (RFC 7386).

    What is absent stays. Null clears; preferences, notification settings and metadata are merged one by one.
    """

    user_preferences: PreferenceChanges | None = None
    username: Username | None = Field(default=None, description="Nobody else's; case does not count. Null lets it go")
    phone: Phone | None = Field(default=None, description="Telephone number, E.164")
    department: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        default=None, description="Where in their organization the user works"
    )
    birth_year: BirthYear = Field(
        default_factory=int,
        description="Said once, and then only later ones: who is under 13 needs a guardian's consent",
    )
    onboarding_completed: bool = Field(default_factory=bool, description="Whether the client has shown the user around")
    notification_settings: NotificationChanges | None = None
    metadata: MetadataChanges | None = None
    preferred_language: LanguageTag = Field(default_factory=str, description="BCP 47 language tag")
    timezone: TimeZone | None = Field(default=None, description="IANA time zone of sessions that start from now on")
    data_retention_consent: bool = Field(default_factory=bool, description=MEANINGS["data_retention_consent"])
    analytics_consent: bool = Field(default_factory=bool, description=MEANINGS["analytics_consent"])
    text_storage_consent: bool = Field(default_factory=bool, description=MEANINGS["text_storage_consent"])
    marketing_consent: bool = Field(default_factory=bool, description=MEANINGS["marketing_consent"])


def changed(profile: UserProfile, changes: ProfileChanges, now: datetime) -> UserProfile:
    """The profile after an edit at `now`. Each consent that changes is recorded with the time.

    Raises:
        PreferencesTooLarge: the preferences would be larger than they may be.
        BirthYearFixed: the year of birth would make them older.
    """
    values = changes.given()
    if "birth_year" in values:
        _check_birth_year(profile, changes.birth_year, now)
    for name in OPEN:
        if name in values:
            patch = values[name]
            values[name] = patch.applied(getattr(profile, name)) if patch else {}
    if "timezone" in values and changes.timezone != profile.timezone:
        values["limit_zone"] = profile.limit_zone_after(changes.timezone, now)
    before: dict[Consent, bool] = {name: getattr(profile, name) for name in CONSENTS}
    after: dict[Consent, bool] = {name: values[name] for name in CONSENTS if name in values}
    history = recorded(profile.consent_history, before, after, now)
    if history != profile.consent_history:
        values |= {"consent_history": history, "last_consent_update": now}
    if "birth_year" in values and profile.model_copy(update=values).is_under_13(now):
        earlier = profile.parental_consent
        values["parental_consent"] = earlier or ParentalConsent(required=True, at=now)
    if any(getattr(profile, name) != value for name, value in values.items()):
        values["updated_at"] = now
    return profile.model_copy(update=values)


def _check_birth_year(profile: UserProfile, year: int, now: datetime) -> None:
    """Raises BirthYearFixed for a year that makes somebody older than they have said, or that has not come yet."""
    if year > now.year or (profile.birth_year is not None and year < profile.birth_year):
        raise BirthYearFixed
