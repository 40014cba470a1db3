"""Container `users`: who the user is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, StringConstraints, computed_field

from models.accounts.consent import MEANINGS, ConsentChange
from models.accounts.finding import Finding
from models.accounts.limits import LimitOverride
from models.accounts.moderation import AccountStatus, ModerationAction
from models.core.document import Document, Message
from models.core.fields import SHOWN, STAFF_ONLY
from models.core.identity import Email, Person, Phone, Username
from models.core.values import Count, Timestamp, TimeZone, Total, Uuid
from models.core.write_policy import Privacy, WritePolicy

EmailStatus = Literal["claimed", "contested", "absent"]

ZONE_STAYS = timedelta(days=28)
"""Limits follow the user to another time zone at most this often: else there were always a zone with a day unused."""


CONSENT_UNDER = 13
"""Years: who may be younger needs a guardian's consent (COPPA, 16 CFR 312)."""

BirthYear = Annotated[int, Field(ge=1900, le=2200)]


class LimitZone(Message):
    """The time zone that the day and the month of limits are counted in, once the user has changed theirs."""

    timezone: TimeZone = Field(description="IANA time zone")
    since: Timestamp = Field(description="From when on")


class ParentalConsent(Message):
    """What a child's guardians consent to together."""

    required: bool = Field(description="Whether the child may be under 13: without it they record no turns then")
    status: Literal["none", "pending", "granted", "withdrawn"] = Field(
        default="none", description="`none`, no guardian is known; one withdrawal ends it, else one grant is enough"
    )
    guardian_id: Uuid | None = Field(default=None, description="The guardian by whom it is so")
    method: str | None = Field(default=None, description="How it was seen that they are")
    at: Timestamp | None = Field(default=None, description="Since when; while nobody has said anything, is waited")
    revision: int = Field(default=1, ge=1, description="Counts its changes; the bar on the allowance goes by it")


@dataclass(frozen=True)
class CurrentRoles:
    """The roles that somebody has in an organization on a day; `primary` is the one that they are shown with."""

    primary: str | None = None
    all: tuple[str, ...] = ()


class UserProfile(Document):
    """A user. One per Entra identity; `id`, `partition_key` and the user_id are the same."""

    container: ClassVar[str] = "users"

    id: Uuid = Field(description="The user_id: UUIDv5 of `tenant_id` and `auth_id`")
    partition_key: Uuid
    kind: Literal["profile"] = "profile"

    auth_id: Annotated[Uuid, SHOWN] = Field(description="Entra ID's `oid`")
    email: Annotated[Email | None, SHOWN] = Field(
        default=None, description="Primary address, as the token or a server says"
    )
    email_status: Annotated[EmailStatus, SHOWN] = Field(
        default="absent",
        description="`claimed`, nobody else in the tenant has the address; `contested`, another account there holds "
        "it; `absent`, there is none",
    )
    name: Annotated[str, SHOWN] = Field(description="Display name from Entra ID")
    given_name: Annotated[str | None, SHOWN] = Field(default=None, description="From Entra ID")
    family_name: Annotated[str | None, SHOWN] = Field(default=None, description="From Entra ID")
    auth_provider: Annotated[str, SHOWN] = Field(default="microsoft", description="Who authenticated the user")
    tenant_id: Annotated[Uuid, SHOWN] = Field(description="Entra ID's `tid`")

    profile_picture_url: Annotated[str | None, SHOWN] = Field(
        default=None, description="From Entra ID; a data URL of a thumbnail"
    )
    job_title: Annotated[str | None, SHOWN] = Field(default=None, description="From Entra ID")
    company_name: Annotated[str | None, SHOWN] = Field(default=None, description="From Entra ID")
    preferred_language: Annotated[str, SHOWN] = Field(default="en", description="BCP 47 language tag")
    timezone: Annotated[TimeZone | None, SHOWN] = Field(
        default=None, description="IANA time zone; UTC counts where it is unknown"
    )

    limit_zone: Annotated[LimitZone | None, SHOWN] = Field(
        default=None, description="Zone of limits; `timezone` before its first change"
    )

    username: Annotated[Username | None, SHOWN] = Field(
        default=None, description="As the user is found and shown; nobody else has it"
    )
    phone: Annotated[Phone | None, SHOWN] = Field(default=None, description="Telephone number, E.164")
    department: Annotated[Annotated[str, StringConstraints(max_length=256)] | None, SHOWN] = Field(
        default=None, description="Where in their organization the user works, as they say"
    )
    onboarding_completed: Annotated[bool, SHOWN] = Field(
        default=False, description="Whether the client has shown the user around"
    )
    metadata: Annotated[dict[str, Any], SHOWN] = Field(
        default_factory=dict, description="What the client notes besides; 16 KB at most"
    )
    primary_organization_id: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="Of the organizations that the user is a member of, the one that they mostly act in"
    )
    created_by_id: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="The user_id of who invited the user to their first organization"
    )
    birth_year: Annotated[BirthYear | None, SHOWN] = Field(
        default=None, description="The user says it once; by themselves they only become younger"
    )
    parental_consent: Annotated[ParentalConsent | None, SHOWN] = Field(
        default=None, description="Of children, and of whoever was one: what their guardians consent to"
    )
    updated_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When its user last changed the profile"
    )

    user_preferences: Annotated[dict[str, Any], SHOWN] = Field(
        default_factory=dict, description="The application's own preferences"
    )
    notification_settings: Annotated[dict[str, Any], SHOWN] = Field(
        default_factory=dict,
        description="What the user wants to be told, and how: `email`, `in_app`, `weekly_digest`, `agent_updates`, "
        "`new_features`, and others. What is absent is as the sender has it",
    )

    account_status: Annotated[AccountStatus, SHOWN] = Field(
        default="active",
        description="What the account may do: `active` all; `suspended` and `blocked` read; `deleted` nothing",
    )
    created_at: Annotated[Timestamp, SHOWN] = Field(description="When the user was first seen")
    last_login: Annotated[Timestamp, SHOWN] = Field(description="When the newest token seen was issued")
    graph_attempted_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When Microsoft Graph was asked last"
    )
    graph_synced_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When Microsoft Graph answered last"
    )
    last_activity: Annotated[Timestamp, SHOWN] = Field(
        description="Timestamp of the newest turn counted, also if it was taken out since, or of the first sign-in"
    )
    first_session_date: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="Time of the first turn counted; null while none is"
    )

    total_sessions: Annotated[Count, SHOWN] = Field(
        default=0, description="Sessions started, set from the all-time rollup"
    )
    total_queries: Annotated[Count, SHOWN] = Field(default=0, description="Turns, set from the all-time rollup")
    total_tokens_used: Annotated[Total, SHOWN] = Field(
        default=0, description="Tokens of all kinds, set from the all-time rollup"
    )
    total_cost_usd: Annotated[float, SHOWN] = Field(default=0.0, ge=0, description="USD, set from the all-time rollup")
    totals_revision: Annotated[int, STAFF_ONLY] = Field(
        default=0, ge=0, description="Revision of the all-time rollup the totals come from"
    )

    risk_score: Annotated[float, SHOWN] = Field(default=0.0, ge=0, le=100, description="0-100, from patterns of use")
    risk_score_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="What the score is decayed to; null where there is nothing to decay"
    )
    abuse_flags: Annotated[list[str], SHOWN] = Field(
        default_factory=list, description="Rules that found something, by name"
    )
    abuse_evidence: Annotated[list[Finding], STAFF_ONLY] = Field(
        default_factory=list, description="What they found, by rule"
    )
    risk_decision: Annotated[Literal["nothing", "flag", "suspend"], STAFF_ONLY] = Field(
        default="nothing", description="What the policy makes of the score; in shadow mode only recorded here"
    )
    risk_judged_until: Annotated[Timestamp | None, STAFF_ONLY] = Field(
        default=None, description="The newest turn judged: the score is that of then, and decays from then on"
    )
    risk_revision: Annotated[int, STAFF_ONLY] = Field(
        default=0, ge=0, description="Revision of the risk window that these come from"
    )
    is_service: Annotated[bool, SHOWN] = Field(default=False, description="A service account: its use is not judged")

    is_admin: Annotated[bool, SHOWN] = Field(
        default=False, description="Whether `staff_roles` has `Vimarsh.Admin`; grants nothing"
    )
    staff_roles: Annotated[list[str], SHOWN] = Field(
        default_factory=list,
        description="Roles of staff that the newest token seen showed. They grant nothing: what the account may do its "
        "token says at each request. They tell whom others may not act on",
    )
    staff_roles_seen_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When a token that showed these roles was issued, to a day; null if none ever did"
    )
    admin_notes: Annotated[str | None, STAFF_ONLY] = Field(default=None, description="The latest note of staff")
    moderation_actions: Annotated[list[ModerationAction], STAFF_ONLY] = Field(
        default_factory=list, description="The latest, oldest first"
    )
    limit_override: Annotated[LimitOverride | None, STAFF_ONLY] = Field(
        default=None, description="Limits that staff decided for this user"
    )

    data_retention_consent: Annotated[bool, SHOWN] = Field(default=True, description=MEANINGS["data_retention_consent"])
    analytics_consent: Annotated[bool, SHOWN] = Field(default=True, description=MEANINGS["analytics_consent"])
    text_storage_consent: Annotated[bool, SHOWN] = Field(default=True, description=MEANINGS["text_storage_consent"])
    marketing_consent: Annotated[bool, SHOWN] = Field(default=False, description=MEANINGS["marketing_consent"])
    last_consent_update: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When a consent was given or withdrawn last"
    )
    consent_history: Annotated[list[ConsentChange], SHOWN] = Field(
        default_factory=list, description="Changes of consents, oldest first"
    )

    _roles: CurrentRoles = PrivateAttr(default_factory=CurrentRoles)

    def with_roles(self, roles: CurrentRoles) -> Self:
        """Itself, as it is shown to somebody who is told of its roles."""
        shown = self.model_copy()
        shown._roles = roles
        return shown

    @property
    def counting_zone(self) -> str:
        """The time zone that the day and the month of limits are counted in."""
        return self.limit_zone.timezone if self.limit_zone else self.timezone or "UTC"

    @computed_field(description="The display name")  # type: ignore[prop-decorator]
    @property
    def full_name(self) -> Annotated[str, SHOWN]:
        return self.name

    @computed_field(description="As `given_name`")  # type: ignore[prop-decorator]
    @property
    def first_name(self) -> Annotated[str | None, SHOWN]:
        return self.given_name

    @computed_field(description="As `family_name`")  # type: ignore[prop-decorator]
    @property
    def last_name(self) -> Annotated[str | None, SHOWN]:
        return self.family_name

    @computed_field(description="As `profile_picture_url`")  # type: ignore[prop-decorator]
    @property
    def avatar_url(self) -> Annotated[str | None, SHOWN]:
        return self.profile_picture_url

    @computed_field(description="Whether `account_status` is `active`")  # type: ignore[prop-decorator]
    @property
    def is_active(self) -> Annotated[bool, SHOWN]:
        return self.account_status == "active"

    @computed_field(  # type: ignore[prop-decorator]
        description="The user's primary role today in their primary organization; null without one, and in lists"
    )
    @property
    def role(self) -> Annotated[str | None, SHOWN]:
        return self._roles.primary

    @computed_field(  # type: ignore[prop-decorator]
        description="All roles that the user has there today; in lists none are told"
    )
    @property
    def roles(self) -> Annotated[list[str], SHOWN]:
        return list(self._roles.all)

    def is_under_13(self, now: datetime) -> bool:
        """Whether the user may be: in doubt the younger. Of whom no year is known: no."""
        return self.birth_year is not None and now.year - self.birth_year - 1 < CONSENT_UNDER

    def is_barred(self, now: datetime) -> bool:
        """Whether the user may record no turns, for want of a guardian's consent."""
        granted = self.parental_consent is not None and self.parental_consent.status == "granted"
        return self.is_under_13(now) and not granted

    def write_policy(self, privacy: Privacy) -> WritePolicy:
        """How turns and sessions are written that come in now."""
        turn_ttl = session_ttl = None
        if not self.data_retention_consent:
            turn_ttl = min(privacy.without_consent, privacy.turns)
            session_ttl = min(privacy.without_consent, privacy.sessions)
        return WritePolicy(
            analytics=self.analytics_consent,
            texts=self.text_storage_consent,
            turn_ttl=turn_ttl,
            session_ttl=session_ttl,
            text_key=privacy.text_key,
        )

    def limit_zone_after(self, timezone: str | None, now: datetime) -> LimitZone | None:
        """The zone of limits once the user has moved to another one: that, or still the same for `ZONE_STAYS`."""
        if self.limit_zone is not None and now < self.limit_zone.since + ZONE_STAYS:
            return self.limit_zone
        return LimitZone(timezone=timezone or "UTC", since=now)

    @classmethod
    def of(
        cls, person: Person, now: datetime, last_login: datetime, email_status: EmailStatus = "absent"
    ) -> UserProfile:
        """The profile of somebody who is seen for the first time at `now`."""
        return cls(
            id=person.user_id,
            partition_key=person.user_id,
            auth_id=person.auth_id,
            tenant_id=person.tenant_id,
            email=person.email,
            email_status=email_status,
            name=person.name,
            given_name=person.given_name,
            family_name=person.family_name,
            preferred_language=person.preferred_language,
            timezone=person.timezone,
            created_at=now,
            last_login=last_login,
            last_activity=now,
        )
