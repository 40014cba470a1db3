"""What follows at the edge from a decision on who may do what: a source of the right, or an error that says why not."""

from __future__ import annotations

from datetime import date

from functions.core.problems import forbidden
from functions.core.tokens import Caller
from models.core.errors import NotFound, Outranked, SelfModeration
from models.core.rights import PLATFORM, Action, Asker, Decision, Reason, Source, Target, decide


def at_the_door(action: Action, caller: Caller | None, day: date) -> Source:
    """By what somebody may call an operation of this action, as far as the token tells: of what is theirs, or nobody's.

    Raises:
        Problem: 403, they may not.
        NotFound: it is as if it were not there.
    """
    asker = caller.asker if caller else None
    return allowed(action, decide(asker, action, own_of(asker, action), day))


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
