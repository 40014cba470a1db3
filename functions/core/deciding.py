"""What follows at the edge from a decision on who may do what: a source of the right, or an error that says why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from functions.core.problems import forbidden
from functions.core.tokens import Caller
from models.core.errors import NotFound, Outranked, SelfModeration
from models.core.rights import PLATFORM, Action, Asker, Decision, Place, Reason, Source, Target, decide

Places = Callable[[str, str], Awaitable[Place | None]]
"""How a `user_id` stands in an `organization_id`; None if there is no such organization."""


def at_the_door(action: Action, caller: Caller | None, now: datetime) -> Source | None:
    """By what somebody may call an operation of this action, as far as the token tells: of what is theirs, or nobody's.

    None where the token does not tell: that an organization's member may, or not, is seen from documents.

    Raises:
        Problem: 403, they may not.
        NotFound: it is as if it were not there.
    """
    asker = caller.asker if caller else None
    decision = decide(asker, action, own_of(asker, action), now.date())
    if action.of_organization and asker and asker.user_id and not decision.is_allowed:
        return None
    return allowed(action, decision)


async def in_organization(
    action: Action, caller: Caller, organization_id: str, places: Places, now: datetime
) -> tuple[Source, Place]:
    """By what somebody may do something in an organization, and how they stand in it.

    Raises:
        Problem: 403, they may not.
        NotFound: they may not know of it, or there is none.
    """
    asker = caller.asker
    place = await places(asker.user_id or "", organization_id)
    if place is None:
        raise NotFound(action.to)
    standings = {organization_id: place.standing} if place.standing else {}
    decision = decide(replace(asker, standings=standings), action, place.target, place.day(now))
    return allowed(action, decision), place


def allowed(action: Action, decision: Decision) -> Source:
    """By what an action is allowed.

    Raises:
        SelfModeration: nobody does it to their own account.
        Outranked: the account has more rights than whoever would do it.
        NotFound: it is as if there were no such thing.
        Problem: 403, they may not.
    """
    if decision.source is not None:
        return decision.source
    if decision.reason is Reason.OWN_ACCOUNT:
        raise SelfModeration
    if decision.reason is Reason.OUTRANKED:
        raise Outranked
    if decision.reason is not None and not decision.reason.is_told:
        raise NotFound(action.to)
    raise forbidden(decision.detail)


def own_of(asker: Asker | None, action: Action) -> Target:
    """What is the asker's own. Staff do what they do to nobody yet: whom they spare shows later."""
    return PLATFORM if action.is_for_staff or asker is None else Target(owner=asker.user_id)
