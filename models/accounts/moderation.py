"""What staff do to an account, and the rules of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.core.document import Message
from models.core.errors import WrongStatus
from models.core.values import NotBlank, Timestamp

AccountStatus = Literal["active", "suspended", "blocked", "deleted"]
ModerationKind = Literal["suspend", "block", "restore", "note"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), NotBlank]

ACTIONS_KEPT = 50
"""How many actions a profile keeps; each is in an audit document, too, and those are kept for ever."""

FOR_ADMINS: frozenset[ModerationKind] = frozenset({"block", "restore"})
"""What a moderator may not do: what lasts, and what undoes a decision."""

_TRANSITIONS: dict[ModerationKind, dict[AccountStatus, AccountStatus]] = {
    "suspend": {"active": "suspended"},
    "block": {"active": "blocked", "suspended": "blocked"},
    "restore": {"suspended": "active", "blocked": "active"},
    "note": {"active": "active", "suspended": "suspended", "blocked": "blocked"},
}


class Moderation(Message):
    """What to do to an account, and why."""

    action: ModerationKind = Field(
        description="suspend: no writing until restored; block: the same, by an admin; restore: active again; "
        "note: a remark, the status stays"
    )
    reason: Reason = Field(description="Why; the text of a note")


class ModerationAction(Message):
    """What was done to an account, as its profile keeps it."""

    action: ModerationKind = Field(description="What was done")
    reason: Reason = Field(description="Why, as who did it says")
    by: str = Field(min_length=1, max_length=64, description="The user_id of who did it; `policy` where a rule did")
    at: Timestamp = Field(description="When")
    status_before: AccountStatus = Field(description="The account's status before it")
    status_after: AccountStatus = Field(description="The account's status since")


def status_after(action: ModerationKind, status: AccountStatus) -> AccountStatus:
    """The status of an account that had `status` when this is done to it.

    Raises:
        WrongStatus: the action makes no sense there, such as to restore an account that is active.
    """
    after = _TRANSITIONS[action].get(status)
    if after is None:
        raise WrongStatus(action, status)
    return after


def kept(actions: Sequence[ModerationAction], action: ModerationAction) -> list[ModerationAction]:
    """The actions that a profile keeps when one more is done: the newest `ACTIONS_KEPT`, oldest first."""
    return [*actions, action][-ACTIONS_KEPT:]
