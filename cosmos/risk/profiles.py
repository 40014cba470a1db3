"""Container `users`: what was found of abuse, where staff see it, and what follows from it."""

from __future__ import annotations

from datetime import datetime

from cosmos.accounts.users import NOT_DELETED, Users
from cosmos.core.database import Database, Item
from cosmos.core.patching import edit, set_totals_if_newer
from models.accounts.profile import UserProfile
from models.core.values import format_timestamp
from models.risk.finding import moment
from models.risk.policy import after_policy
from models.risk.window import RiskWindow


class RiskOnProfiles:
    """Brings what was found to the profiles."""

    def __init__(self, database: Database, users: Users, shadow: bool) -> None:
        self._profiles = database.users
        self._users = users
        self._shadow = shadow

    async def changed(self, item: Item, now: datetime) -> None:
        """Brings what is in a window that has changed, if anything in it was ever suspected."""
        if item.get("suspected"):
            await self.show(RiskWindow.parse(item), self._shadow, now)

    async def show(self, window: RiskWindow, shadow: bool, now: datetime) -> None:
        """Puts what was found of abuse on the profile, unless something newer is there, or it is a service account's.

        Then does what the policy says, if it is not only to be recorded.

        Raises:
            Stale: the profile was edited meanwhile; call again.
        """
        risk = {
            "risk_score": window.score,
            "abuse_flags": sorted(window.findings),
            "abuse_evidence": [found.model_dump(mode="json") for _, found in sorted(window.findings.items())],
            "risk_decision": window.decision,
            "risk_judged_until": format_timestamp(moment(window.newest)),
        }
        judged = f"(NOT IS_DEFINED(c.is_service) OR c.is_service = false) AND {NOT_DELETED}"
        user_id = window.user_id
        item = await set_totals_if_newer(
            self._profiles, user_id, user_id, risk, window.revision, "risk_revision", judged
        )
        if item is None:
            return
        profile = UserProfile.parse(item)
        wanted = after_policy(profile, window, shadow, now)
        if wanted is not profile:
            self._users.remember(await edit(self._profiles, profile, wanted))
