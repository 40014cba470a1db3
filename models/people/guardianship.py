"""Container `users`: whose guardian somebody is: asked for, confirmed, and whether they consent.

Whoever asks keeps the request, and nobody else is told of it. What is confirmed is in the child's partition, which is
the authority; the parent's shows a mirror of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from models.core.fields import SHOWN, shown_model
from models.core.kinds import Kind, Mentioned, Names
from models.core.mirrors import Mirror, MirrorDocument
from models.core.resource import Resource
from models.core.values import NotBlank, Timestamp, Uuid

Relation = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), NotBlank]
Method = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), NotBlank]

GuardianshipStatus = Literal["confirmed", "ended"]
ConsentStatus = Literal["pending", "granted", "withdrawn"]
AskedAs = Literal["parent", "child"]

MOST_OPEN = 5
OPEN_FOR = timedelta(days=90)
"""How long a request waits to be confirmed."""


def guardianship_id(parent_id: str) -> str:
    return f"guardian-{parent_id}"


def ward_id(child_id: str) -> str:
    return f"ward-{child_id}"


def request_id(other_id: str) -> str:
    return f"guardian-request-{other_id}"


class GuardianRequest(Resource):
    """That somebody asks to be known as a guardian, or a child to have one. It shows and gives nothing."""

    container: ClassVar[str] = "users"

    kind: Literal["guardian_request"] = "guardian_request"
    ttl: int | None = int(OPEN_FOR.total_seconds())
    user_id: Annotated[Uuid, SHOWN] = Field(description="Who asks; same as `partition_key`")
    asked_as: Annotated[AskedAs, SHOWN] = Field(description="As what")
    other_id: Annotated[Uuid, SHOWN] = Field(description="The user_id of the other, whether there is such a user")
    relation: Annotated[Relation, SHOWN] = Field(description="What the parent is to the child, such as mother")


class Guardianship(Resource):
    """A confirmed guardian of a child, and whether they consent to what the child does here."""

    container: ClassVar[str] = "users"

    kind: Literal["guardianship"] = "guardianship"
    student_id: Annotated[Uuid, SHOWN] = Field(description="The child; same as `partition_key`")
    parent_id: Annotated[Uuid, SHOWN] = Field(description="The guardian")
    relation: Annotated[Relation, SHOWN] = Field(description="What they are to the child")
    is_primary: Annotated[bool, SHOWN] = Field(default=False, description="Whether they are the first to be asked")
    status: Annotated[GuardianshipStatus, SHOWN] = Field(default="confirmed", description="Whether it holds")
    verification_method: Annotated[Method, SHOWN] = Field(description="How it was seen that they are")
    consent_status: Annotated[ConsentStatus, SHOWN] = Field(default="pending", description="Whether they consent")
    consent_at: Annotated[Timestamp | None, SHOWN] = Field(default=None, description="Since when that is so")
    requested_at: Annotated[Timestamp, SHOWN] = Field(description="When it was asked for")
    confirmed_by: Annotated[Uuid | None, SHOWN] = Field(default=None, description="Who confirmed it")
    child_name: str = Field(description="The child's name, when it was confirmed")


class Ward(MirrorDocument):
    """A child of a guardian, as the guardian finds it: a mirror of the guardianship."""

    container: ClassVar[str] = "users"

    kind: Literal["ward"] = "ward"
    student_id: Annotated[Uuid, SHOWN] = Field(description="The child")
    name: Annotated[str, SHOWN] = Field(description="The child's name, when it was confirmed")
    relation: Annotated[Relation, SHOWN] = Field(description="What the guardian is to the child")
    status: Annotated[GuardianshipStatus, SHOWN] = Field(description="Whether it holds")
    consent_status: Annotated[ConsentStatus, SHOWN] = Field(description="Whether the guardian consents")


def consent_of(guardianships: list[Guardianship]) -> ConsentStatus:
    """What guardians say together: one withdrawal ends it, and else one grant is enough."""
    said = {one.consent_status for one in guardianships if one.status == "confirmed"}
    return "withdrawn" if "withdrawn" in said else "granted" if "granted" in said else "pending"


def consenting(guardianships: list[Guardianship], status: ConsentStatus) -> Guardianship | None:
    """The guardian by whom it is so, the latest of several."""
    said = [one for one in guardianships if one.status == "confirmed" and one.consent_status == status]
    return max(said, key=lambda one: one.consent_at or one.created_at, default=None)


def primary_of(guardianships: Iterable[Guardianship]) -> Guardianship | None:
    """The guardian who is the first to be asked: who is said to be, else the first who was confirmed."""
    confirmed = [one for one in guardianships if one.status == "confirmed"]
    return min(confirmed, key=lambda one: (not one.is_primary, one.created_at, one.parent_id), default=None)


def is_minor(birth_year: int | None, now: datetime) -> bool:
    """Whether somebody may still be under 18: in doubt the younger. Of whom nothing is known: no."""
    return birth_year is not None and now.year - birth_year - 1 < 18


def _ward(guardianship: Guardianship, names: Names) -> list[Mirror]:
    body: dict[str, Any] | None = None
    if not guardianship.is_deleted:
        body = Ward(
            id=ward_id(guardianship.student_id),
            partition_key=guardianship.parent_id,
            revision=guardianship.revision,
            source_revision=guardianship.revision,
            source_owner=guardianship.student_id,
            source_id=guardianship.id,
            mentions=[guardianship.student_id],
            student_id=guardianship.student_id,
            name=guardianship.child_name,
            relation=guardianship.relation,
            status=guardianship.status,
            consent_status=guardianship.consent_status,
        ).body()
    return [Mirror("users", guardianship.parent_id, ward_id(guardianship.student_id), body, guardianship.revision)]


ShownGuardianship = shown_model(Guardianship, "Guardianship")
ShownGuardianRequest = shown_model(GuardianRequest, "GuardianRequest")
ShownWard = shown_model(Ward, "Ward")

GUARDIANSHIP = Kind(
    model=Guardianship,
    capability="people",
    enumerations={"GuardianshipStatus": GuardianshipStatus, "ConsentStatus": ConsentStatus},
    mirrors=_ward,
    mentioned=Mentioned.REDACTED,
    redacted=("confirmed_by",),
    deleted_with="parent_id",
    told=("relation", "status", "consent_status", "consent_at"),
)
GUARDIAN_REQUEST = Kind(model=GuardianRequest, capability="people", mentioned=Mentioned.DELETED)
WARD = Kind(model=Ward, capability="people", mentioned=Mentioned.DELETED, told=("relation", "status", "consent_status"))
