"""When a child was born, corrected by who has seen it: what users say of it themselves only makes them younger."""

from __future__ import annotations

from pydantic import Field

from cosmos.people.guardians import Guardians
from functions.accounts.acting import audit_entry
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.problems import not_valid
from functions.organizations.members import check_above
from functions.people.guardians import check_verifies
from models.accounts.profile import BirthYear
from models.core.document import Message
from models.core.errors import MoreThanOnesOwn
from models.core.values import Uuid
from models.people.actions import CHANGE_GUARDIANSHIP, CORRECT_BIRTH_YEAR, MANAGE_PUPILS
from models.people.guardianship import Method

routes = Routes()


class BirthYearCorrection(Message):
    """When somebody was born, and how it was seen."""

    birth_year: BirthYear = Field(description="The year; one that has not come yet is refused")
    method: Method = Field(description="How it was seen")
    organization_id: Uuid | None = Field(default=None, description="The school that corrects it")


class BirthYearCorrected(Message):
    """What follows from it."""

    user_id: Uuid
    birth_year: BirthYear
    needs_consent: bool = Field(description="Whether they record turns only once a guardian consents")


@routes.operation(
    "PUT",
    "children/{child_id}/birth-year",
    summary="Correct the year of birth that somebody has said",
    action=CHANGE_GUARDIANSHIP,
    also=(CORRECT_BIRTH_YEAR, MANAGE_PUPILS),
    body=BirthYearCorrection,
    returns=BirthYearCorrected,
    problems=("more-than-ones-own",),
)
async def correct_birth_year(call: Call[BirthYearCorrection]) -> Reply:
    """By a school that staff have verified, and in which they are a member, or by the role Vimarsh.Verify; never by
    themselves. Who turns out to be under 13 records no turn from the answer on, until a guardian consents; who turns
    out to be older does again. They find it in their access log.
    """
    actor, child_id, wanted = await writer(call), call.uuid("child_id"), call.body
    by_right = await check_verifies(call, child_id, wanted.organization_id, CORRECT_BIRTH_YEAR)
    if actor.id == child_id:
        raise MoreThanOnesOwn
    if wanted.organization_id is not None:
        await check_above(call, wanted.organization_id, child_id)
    if wanted.birth_year > call.now.year:
        raise not_valid({"/birth_year": "Input should be a year that has come"})
    entry = audit_entry(call, child_id, "correct_birth_year", wanted.method, by_right)
    child = await call.store[Guardians].correct_birth_year(child_id, wanted.birth_year, call.now, entry)
    return Reply(
        BirthYearCorrected(user_id=child_id, birth_year=wanted.birth_year, needs_consent=child.is_under_13(call.now))
    )
