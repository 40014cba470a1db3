"""All kinds of documents: the one list of them. What is not in it is not stored.

Those with routes that follow from their declaration are declared next to their models; those whose rules are written by
hand, here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.accounts.audit import AuditedAct, AuditEntry, ByRight
from models.accounts.claims import EmailClaim, UsernameClaim
from models.accounts.finding import Rule
from models.accounts.moderation import AccountStatus, ModerationKind
from models.accounts.profile import EmailStatus, UserProfile
from models.accounts.staff import StaffRoster
from models.analytics.buckets import bookmark_counts, session_counts, turn_counts
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.analytics.user_analytics import AnalyticsPeriod
from models.analytics.user_group import UserGroup
from models.answers.answer import Answer, AnswerStatus
from models.chat.interaction import AnswerEnd, ResponseQuality, TurnId, UserInteraction
from models.chat.names import Dimension
from models.chat.session import TurnClaim, UserSession
from models.chat.titles import TitleSource
from models.core.document import Document
from models.core.kinds import Kind, Mentioned, Owner
from models.core.limits import ShownMeasure, Window
from models.core.tombstone import Tombstone
from models.counting.dead_letter import DeadLetter
from models.counting.ledger import LedgerEntry
from models.counting.tally import Tally
from models.jobs.heartbeat import Heartbeat
from models.jobs.job import Job, JobAsker, JobState, WorkState
from models.library.bookmark import BookmarkRequest, DeletedBookmark, UserBookmark
from models.library.favorite import FAVORITE
from models.library.helpful_vote import HELPFUL_VOTE
from models.library.rating import ITEM_FEEDBACK, RATING
from models.library.review import REVIEW
from models.organizations.assignment import PermissionGrant, RoleAssignment
from models.organizations.invitation import INVITATION, INVITATION_NOTICE
from models.organizations.member import MEMBER
from models.organizations.membership import MEMBERSHIP
from models.organizations.organization import ORGANIZATION, OrganizationNameClaim
from models.organizations.role import Role
from models.organizations.roles import Permission
from models.people.guardianship import GUARDIAN_REQUEST, GUARDIANSHIP, WARD
from models.people.role_profiles import PARENT_PROFILE, STUDENT_PROFILE, TEACHER_PROFILE
from models.privacy.erasure import Asker, Erasure, ErasureProgress, ErasureStatus
from models.privacy.erasure_log import ErasureMark, RestoreRecord
from models.risk.address_day import AddressDay
from models.risk.judgement import Decision
from models.risk.window import RiskWindow
from models.usage.alert import Alert
from models.usage.allowance import Allowance
from models.usage.pricing import ServiceTier

_ALL: tuple[Kind[Any], ...] = (
    Kind(
        model=UserProfile,
        capability="accounts",
        enumerations={
            "AccountStatus": AccountStatus,
            "EmailStatus": EmailStatus,
            "ModerationKind": ModerationKind,
            "Rule": Rule,
        },
    ),
    Kind(model=EmailClaim, capability="accounts", owner=Owner.NOBODY),
    Kind(model=UsernameClaim, capability="accounts", owner=Owner.NOBODY),
    Kind(model=StaffRoster, capability="accounts", owner=Owner.PLATFORM),
    Kind(
        model=UserSession,
        capability="chat",
        counts=session_counts,
        rebuilt=True,
        enumerations={"TitleSource": TitleSource},
    ),
    Kind(model=TurnClaim, capability="chat"),
    Kind(
        model=UserInteraction,
        capability="chat",
        counts=turn_counts,
        remembered=True,
        rebuilt=True,
        enumerations={"ResponseQuality": ResponseQuality},
        in_path={"interaction_id": TurnId},
    ),
    Kind(
        model=Answer,
        capability="answers",
        enumerations={"AnswerStatus": AnswerStatus, "AnswerEnd": AnswerEnd},
    ),
    Kind(
        model=Allowance,
        capability="usage",
        enumerations={"ServiceTier": ServiceTier, "ShownMeasure": ShownMeasure, "Window": Window},
    ),
    Kind(model=Alert, capability="usage"),
    Kind(model=Rollup, capability="analytics", enumerations={"AnalyticsPeriod": AnalyticsPeriod}),
    Kind(model=Presence, capability="analytics"),
    Kind(model=PlatformRollup, capability="analytics", owner=Owner.PLATFORM, enumerations={"Dimension": Dimension}),
    Kind(model=UserGroup, capability="analytics", owner=Owner.PLATFORM),
    Kind(model=Question, capability="analytics", owner=Owner.PLATFORM),
    Kind(model=RiskWindow, capability="risk", enumerations={"Decision": Decision}),
    Kind(model=LedgerEntry, capability="counting"),
    Kind(model=DeadLetter, capability="counting"),
    Kind(model=Heartbeat, capability="jobs", owner=Owner.PLATFORM),
    Kind(model=Tally, capability="counting", owner=Owner.ITEM),
    Kind(model=AddressDay, capability="risk", owner=Owner.PLATFORM),
    Kind(model=UserBookmark, capability="library", counts=bookmark_counts, rebuilt=True),
    Kind(model=DeletedBookmark, capability="library", counts=bookmark_counts, rebuilt=True),
    Kind(model=BookmarkRequest, capability="library"),
    FAVORITE,
    RATING,
    ITEM_FEEDBACK,
    HELPFUL_VOTE,
    REVIEW,
    STUDENT_PROFILE,
    TEACHER_PROFILE,
    PARENT_PROFILE,
    GUARDIAN_REQUEST,
    GUARDIANSHIP,
    WARD,
    ORGANIZATION,
    Kind(model=OrganizationNameClaim, capability="organizations", owner=Owner.NOBODY),
    MEMBERSHIP,
    MEMBER,
    INVITATION,
    INVITATION_NOTICE,
    Kind(model=Role, capability="organizations", owner=Owner.ORGANIZATION),
    Kind(
        model=RoleAssignment,
        capability="organizations",
        mentioned=Mentioned.REDACTED,
        redacted=("created_by",),
        told=("tenant_id", "role", "created_at"),
    ),
    Kind(
        model=PermissionGrant,
        capability="organizations",
        mentioned=Mentioned.REDACTED,
        redacted=("granted_by_id",),
        told=("organization_id", "permission", "created_at"),
        enumerations={"Permission": Permission},
    ),
    Kind(
        model=Job, capability="jobs", enumerations={"JobAsker": JobAsker, "JobState": JobState, "WorkState": WorkState}
    ),
    Kind(model=AuditEntry, capability="accounts", enumerations={"AuditedAct": AuditedAct, "ByRight": ByRight}),
    Kind(model=Tombstone, capability="core"),
    Kind(model=ErasureProgress, capability="privacy"),
    Kind(
        model=Erasure,
        capability="privacy",
        owner=Owner.NOBODY,
        enumerations={"Asker": Asker, "ErasureStatus": ErasureStatus},
    ),
    Kind(model=ErasureMark, capability="privacy", owner=Owner.PLATFORM),
    Kind(model=RestoreRecord, capability="privacy", owner=Owner.PLATFORM),
)

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _ALL}
"""The kinds by name."""


def undeclared() -> list[str]:
    """The names of models of stored documents that no kind declares: there should be none."""
    declared = {kind.model for kind in _ALL}
    return sorted(model.__name__ for model in _stored(Document) if model not in declared)


def _stored(base: type[Document]) -> Iterator[type[Document]]:
    for model in base.__subclasses__():
        if isinstance(model.model_fields["kind"].default, str):
            yield model
        yield from _stored(model)
