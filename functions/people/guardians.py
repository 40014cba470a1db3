"""Guardians of children: asked for, confirmed by a school or by whoever verifies, and what they consent to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from cosmos.accounts.users import Users
from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from cosmos.people.guardians import Guardians
from functions.accounts.acting import audit_entry
from functions.accounts.signed_in import writer
from functions.core import problems
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from models.accounts.audit import ByRight
from models.accounts.profile import UserProfile
from models.core.document import Message
from models.core.errors import MoreThanOnesOwn, NotFound
from models.core.fields import shown_of
from models.core.rights import PLATFORM, Action, Target
from models.core.values import Uuid
from models.people.actions import (
    ASK,
    CHANGE_GUARDIANSHIP,
    CONFIRM,
    CONSENT,
    MANAGE_PUPILS,
    READ_GUARDIANS,
)
from models.people.guardianship import (
    AskedAs,
    GuardianRequest,
    Guardianship,
    Method,
    Relation,
    ShownGuardianRequest,
    ShownGuardianship,
    ShownWard,
    guardianship_id,
    is_minor,
    request_id,
)

routes = Routes()


class NewGuardian(Message):
    """Who is to be known as the user's guardian."""

    parent_id: Uuid = Field(description="The user_id of the parent")
    relation: Relation = Field(description="What they are to the user, such as mother")


class NewWard(Message):
    """Whose guardian the user is."""

    student_id: Uuid = Field(description="The user_id of the child")
    relation: Relation = Field(description="What the user is to the child, such as father")


class Asked(Message):
    """A request that waits to be confirmed. It says nothing of the other, not even whether they exist."""

    status: Literal["requested"] = "requested"


class MyGuardians(Message):
    """The guardians of the user, and those whom they asked for."""

    items: list[ShownGuardianship]  # type: ignore[valid-type]
    requests: list[ShownGuardianRequest]  # type: ignore[valid-type]


class MyWards(Message):
    """The children whose guardian the user is, and those of whom they asked to be."""

    items: list[ShownWard]  # type: ignore[valid-type]
    requests: list[ShownGuardianRequest]  # type: ignore[valid-type]


class GuardianshipChange(Message):
    """What to do about a guardianship."""

    action: Literal["confirm", "lift", "grant", "withdraw", "end"] = Field(
        description="confirm; lift, a withdrawal: by a verified school of the child, or by Vimarsh.Verify; grant, "
        "withdraw: the guardian's consent; end: by the guardian"
    )
    organization_id: Uuid | None = Field(default=None, description="The school that confirms, or lifts, it")
    method: Method | None = Field(default=None, description="How it was seen; needed to confirm, and to lift")
    is_primary: bool = Field(default=False, description="Whether they are the first to be asked")

    @model_validator(mode="after")
    def _says_how(self) -> GuardianshipChange:
        if self.action in ("confirm", "lift") and self.method is None:
            raise ValueError("to confirm, or to lift, it must say how it was seen: method")
        return self


@routes.operation(
    "POST",
    "me/guardians",
    summary="Ask that a parent be known as one's guardian",
    action=ASK,
    body=NewGuardian,
    returns=Asked,
    status=202,
    repeatable=True,
    problems=("too-many-requests",),
)
async def ask_for_guardian(call: Call[NewGuardian]) -> Reply:
    """The answer is the same whether there is such a user. The other learns of it once it is confirmed."""
    return await _asked(call, "child", call.body.parent_id, call.body.relation, "/api/me/guardians")


@routes.operation(
    "POST",
    "me/wards",
    summary="Ask to be known as a child's guardian",
    action=ASK,
    body=NewWard,
    returns=Asked,
    status=202,
    repeatable=True,
    problems=("too-many-requests",),
)
async def ask_for_ward(call: Call[NewWard]) -> Reply:
    """The answer is the same whether there is such a user. The other learns of it once it is confirmed."""
    return await _asked(call, "parent", call.body.student_id, call.body.relation, "/api/me/wards")


@routes.operation(
    "GET",
    "me/guardians",
    summary="The user's guardians, and what they consent to",
    action=READ_GUARDIANS,
    returns=MyGuardians,
)
async def list_my_guardians(call: Call[None]) -> MyGuardians:
    user_id = call.person.user_id
    found = await call.store[Guardians].guardians(user_id)
    return MyGuardians(
        items=[shown_of(one, ShownGuardianship) for one in found], requests=await _requests(call, user_id, "child")
    )


@routes.operation(
    "GET", "me/wards", summary="The children whose guardian the user is", action=READ_GUARDIANS, returns=MyWards
)
async def list_my_wards(call: Call[None]) -> MyWards:
    user_id = call.person.user_id
    found = await call.store[Guardians].wards(user_id)
    return MyWards(items=[shown_of(one, ShownWard) for one in found], requests=await _requests(call, user_id, "parent"))


@routes.operation(
    "PATCH",
    "guardianships/{child_id}/{parent_id}",
    summary="Confirm a guardian, or, as the guardian, grant or withdraw consent",
    action=CHANGE_GUARDIANSHIP,
    also=(CONFIRM, MANAGE_PUPILS, CONSENT),
    body=GuardianshipChange,
    returns=ShownGuardianship,
    problems=("more-than-ones-own", "birth-year-fixed", "not-found"),
)
async def change_guardianship(call: Call[GuardianshipChange]) -> Reply:
    """A guardian is confirmed by a school that staff have verified, and in which the child is a member, or by the role
    Vimarsh.Verify; never by one of the two. Of several guardians one grant is enough, and one withdrawal ends it: from
    its answer on no turn of a child under 13 is taken, until who withdrew grants, or whoever confirms has lifted it.
    """
    actor, child_id, parent_id = await writer(call), call.uuid("child_id"), call.uuid("parent_id")
    if call.body.action == "lift":
        return Reply(shown_of(await _lifted(call, actor, child_id, parent_id), ShownGuardianship))
    if call.body.action == "confirm":
        return Reply(shown_of(await _confirmed(call, actor, child_id, parent_id), ShownGuardianship))
    await guardian(call, child_id, CONSENT)
    if actor.id != parent_id:
        raise NotFound("guardian")
    guardians = call.store[Guardians]
    if call.body.action == "end":
        await guardians.end(child_id, parent_id, call.now, _entry(call, child_id, "withdraw_consent"))
        found = [one for one in await guardians.guardians(child_id) if one.parent_id == parent_id]
        return Reply(shown_of(found[0], ShownGuardianship))
    granted = call.body.action == "grant"
    entry = _entry(call, child_id, "grant_consent" if granted else "withdraw_consent")
    status: Literal["granted", "withdrawn"] = "granted" if granted else "withdrawn"
    changed = await guardians.consent(child_id, parent_id, status, call.now, entry)
    return Reply(shown_of(changed, ShownGuardianship))


async def guardian(call: Call[Any], child_id: str, action: Action) -> Guardianship:
    """The guardianship by which the caller may do something about a child: of a child who still is one.

    Raises:
        NotFound: they are no guardian of theirs, as if there were no such child.
    """
    try:
        held = await call.store[Guardians].guardianship(child_id, call.person.user_id)
    except NotFound:
        call.check(Target(owner=child_id), action)
        raise
    child = await call.store[Users].existing(child_id)
    minor = child is not None and is_minor(child.birth_year, call.now)
    call.check(Target(owner=child_id, guardians=frozenset({call.person.user_id} if minor else ())), action)
    return held


async def _lifted(call: Call[GuardianshipChange], actor: UserProfile, child_id: str, parent_id: str) -> Guardianship:
    by_right = await check_verifies(call, child_id, call.body.organization_id)
    if actor.id in (child_id, parent_id):
        raise MoreThanOnesOwn
    entry = audit_entry(call, child_id, "lift_withdrawal", call.body.method or "", by_right)
    return await call.store[Guardians].lift(child_id, parent_id, call.now, entry)


async def _confirmed(call: Call[GuardianshipChange], actor: UserProfile, child_id: str, parent_id: str) -> Guardianship:
    wanted = call.body
    by_right = await check_verifies(call, child_id, wanted.organization_id)
    if actor.id in (child_id, parent_id):
        raise MoreThanOnesOwn
    request = await call.store[Guardians].asked(child_id, parent_id)
    child = await call.store[Users].existing(child_id)
    parent = await call.store[Users].existing(parent_id)
    if child is None or parent is None:
        raise NotFound("guardian")
    if not is_minor(child.birth_year, call.now) or is_minor(parent.birth_year, call.now):
        raise problems.not_valid({"/action": "A guardian is an adult, and their ward says a year of birth below 18"})
    guardianship = Guardianship(
        id=guardianship_id(parent_id),
        partition_key=child_id,
        created_at=call.now,
        updated_at=call.now,
        student_id=child_id,
        parent_id=parent_id,
        relation=request.relation,
        is_primary=wanted.is_primary,
        verification_method=wanted.method or "",
        requested_at=request.created_at,
        confirmed_by=actor.id,
        child_name=child.name,
        mentions=sorted({parent_id, actor.id}),
    )
    entry = audit_entry(call, child_id, "confirm_guardian", wanted.method or "", by_right)
    return await call.store[Guardians].confirm(guardianship, call.now, entry)


async def check_verifies(
    call: Call[Any], child_id: str, organization_id: str | None, by_role: Action = CONFIRM
) -> ByRight:
    """By what the caller verifies something about a child: as a school of theirs, or by the role Vimarsh.Verify.

    Raises:
        NotFound, Problem: by nothing.
    """
    if organization_id is None:
        call.check(PLATFORM, by_role)
        return "staff"
    for action in (by_role, MANAGE_PUPILS):
        await call.check_in(organization_id, action)
    organization = await call.store[Organizations].read(organization_id)
    if organization.verified_at is None:
        raise problems.forbidden("Only a school that staff have verified verifies families.")
    await call.store[Members].membership(child_id, organization_id)
    return "organization"


async def _asked(call: Call[Any], asked_as: AskedAs, other_id: str, relation: str, location: str) -> Reply:
    profile = await writer(call)
    if other_id == profile.id:
        raise problems.not_valid(
            {"/parent_id" if asked_as == "child" else "/student_id": "Input should be another user"}
        )
    request = GuardianRequest(
        id=request_id(other_id),
        partition_key=profile.id,
        created_at=call.now,
        updated_at=call.now,
        user_id=profile.id,
        asked_as=asked_as,
        other_id=other_id,
        relation=relation,
        mentions=[other_id],
    )
    await call.store[Guardians].ask(request)
    return Reply(Asked(), headers={"Location": location})


async def _requests(call: Call[None], user_id: str, asked_as: AskedAs) -> list[Any]:
    found = await call.store[Guardians].requests(user_id)
    return [shown_of(one, ShownGuardianRequest) for one in found if one.asked_as == asked_as]


def _entry(call: Call[Any], child_id: str, act: Literal["grant_consent", "withdraw_consent"]) -> Any:
    return audit_entry(call, child_id, act, "As the child's guardian.", "guardian")
