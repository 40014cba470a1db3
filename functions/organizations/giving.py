"""What somebody may give in an organization: never more than they have, nor for longer, nor to themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from cosmos.organizations.assignments import Member
from cosmos.organizations.rights import Rights
from functions.core.call import Call
from functions.core.problems import forbidden
from models.core.errors import NotFound, Outranked
from models.core.revisions import Revisions
from models.organizations.membership import Membership
from models.organizations.organization import Organization


async def organization_of(call: Call[Any]) -> Organization:
    """The organization that the path names.

    Raises:
        NotFound: there is none.
    """
    found = await call.store[Rights].organization(call.uuid("organization_id"))
    if found is None or found.is_deleted:
        raise NotFound("organization")
    return found


async def other_member(call: Call[Any], organization: Organization, expected: Revisions | None = None) -> Member:
    """The member that the path names, about whom the caller is about to decide.

    Raises:
        Problem: 403, it is themselves.
    """
    user_id = call.uuid("user_id")
    if user_id == call.person.user_id:
        raise forbidden("Nobody changes what they may themselves. Ask somebody else who has roles.manage here.")
    today = organization.day(call.now)

    def check(membership: Membership) -> None:
        """Who acts on a member has all that the member has, now or later."""
        standing = membership.standing(organization)
        held = standing.held if standing else ()
        for one in held:
            if lacking(call, one.permissions, one.since, one.until):
                raise Outranked

    return Member(user_id, organization.organization_id, today, call.now, expected, check)


def check_gives(call: Call[Any], permissions: Iterable[str], since: date, until: date | None) -> None:
    """Stops somebody who would give what they have not, or not for so long.

    Raises:
        Problem: 403, they would.
    """
    if missing := lacking(call, permissions, since, until):
        names = ", ".join(missing)
        raise forbidden(f"Nobody gives more than they have, nor for longer. On some of these days you lack: {names}.")


def lacking(call: Call[Any], permissions: Iterable[str], since: date, until: date | None) -> list[str]:
    """Which of these permissions the caller has not on each of these days; staff of the platform have all."""
    if call.place is None:
        return []
    today = call.place.day(call.now)
    if until is not None and until < today:
        return []  # it is over: it gives nothing
    standing = call.place.standing
    return standing.lacking(permissions, max(since, today), until) if standing else sorted(permissions)
