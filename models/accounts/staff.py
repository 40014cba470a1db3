"""Staff: what is known of their roles, and the roster by which one active admin is always left.

Rights come from tokens alone, so the server can't ask who is an admin. It remembers instead which roles the newest
token of an account showed, on its profile, and who showed that of an admin, on the roster. Neither grants anything.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from models.accounts.moderation import AccountStatus
from models.accounts.profile import UserProfile
from models.core.app_roles import ADMIN_ROLE, MODERATORS
from models.core.document import Document, Message
from models.core.values import Timestamp, Uuid

SEEN_AGAIN = timedelta(days=1)
"""How old `staff_roles_seen_at` gets before a token that shows the same roles renews it."""

ADMIN_FOR = timedelta(days=90)
"""How long somebody counts as an admin who is left after the last token that said so: roles end in Entra ID, unseen."""

CLOSING_LASTS = timedelta(minutes=2)
"""How long a closing may be under way: longer than a request (25 s) that goes by a profile it has seen (30 s)."""

ROSTER_ID = "staff-roster"


def shown_by(profile: UserProfile, roles: Collection[str], issued: datetime) -> dict[str, Any]:
    """What a token of these roles changes about what is known of its bearer's; nothing if it is an older one."""
    seen = profile.staff_roles_seen_at
    staff = sorted(MODERATORS.intersection(roles))
    if seen is not None and issued < seen:
        return {}
    if staff == profile.staff_roles and (not staff or (seen is not None and issued < seen + SEEN_AGAIN)):
        return {}
    return {"staff_roles": staff, "staff_roles_seen_at": issued, "is_admin": ADMIN_ROLE in staff}


def is_active_admin(profile: UserProfile, now: datetime) -> bool:
    """Whether this is somebody who can act as an admin, as far as is known."""
    seen = profile.staff_roles_seen_at
    return profile.is_admin and profile.account_status == "active" and seen is not None and now < seen + ADMIN_FOR


class Closing(Message):
    """An account that is about to be closed, or has just been."""

    status: AccountStatus = Field(description="What it is then")
    until: Timestamp = Field(description="How long that counts; from then on the account itself tells")


class StaffRoster(Document):
    """Who has shown the role of an admin, and whose account is being closed. One document for all.

    Whoever closes an admin's account notes it here first. So of two admins who close each other's account at once, the
    second finds that their own is being closed.
    """

    container: ClassVar[str] = "users"

    id: str = ROSTER_ID
    partition_key: str = ROSTER_ID
    kind: Literal["staff_roster"] = "staff_roster"

    admins: list[Uuid] = Field(default_factory=list, description="Those who showed the role, by their user_id")
    closings: dict[str, Closing] = Field(default_factory=dict, description="Those whose account is being closed")

    def joined(self, user_id: str) -> StaffRoster:
        """With one more admin."""
        return self if user_id in self.admins else self._changed(admins=[*self.admins, user_id])

    def left(self, user_id: str) -> StaffRoster:
        """Without somebody."""
        if user_id not in self.admins and user_id not in self.closings:
            return self
        return self._changed(admins=[one for one in self.admins if one != user_id]).closed(user_id)

    def closing(self, user_id: str, status: AccountStatus, now: datetime) -> StaffRoster:
        """With an account noted that is about to be closed; notes that have lapsed go."""
        under_way = {one: closing for one, closing in self.closings.items() if now < closing.until}
        return self._changed(closings=under_way | {user_id: Closing(status=status, until=now + CLOSING_LASTS)})

    def closed(self, user_id: str) -> StaffRoster:
        """Without such a note: the account itself tells by now."""
        return self._changed(closings={one: closing for one, closing in self.closings.items() if one != user_id})

    def closing_of(self, user_id: str, now: datetime) -> Closing | None:
        """The note of an account that is being closed, unless it has lapsed."""
        closing = self.closings.get(user_id)
        return closing if closing is not None and now < closing.until else None

    def who_may_be_left(self, user_id: str, now: datetime) -> list[str]:
        """The admins but for this one and those who are being closed. Whether they are active, their accounts tell."""
        return [one for one in self.admins if one != user_id and self.closing_of(one, now) is None]

    def _changed(self, **fields: Any) -> StaffRoster:
        return self.model_copy(update=fields | {"revision": self.revision + 1})
