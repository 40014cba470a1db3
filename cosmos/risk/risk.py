"""Container `user_analytics`: what was found of abuse in one user's turns, as staff read and dismiss it."""

from __future__ import annotations

from datetime import datetime

from cosmos.core.database import Database, Stored
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import repeat, write_over
from models.accounts.audit import AuditEntry
from models.accounts.finding import Rule
from models.core.errors import NotFound
from models.core.tombstone import is_tombstone
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.risk.window import RiskWindow, risk_window_id


class Risk:
    """Reads risk windows, and dismisses findings in them.

    Attributes:
        settings: What is judged how.
    """

    def __init__(self, database: Database, settings: RiskSettings) -> None:
        self._windows = database.user_analytics
        self._users = database.users
        self.settings = settings

    async def window(self, user_id: str) -> RiskWindow | None:
        """A user's risk window, by one point read; None if nothing of theirs has been judged, or they are erased."""
        item = await read_or_none(self._windows, risk_window_id(user_id), user_id)
        return RiskWindow.parse(item) if item and not is_tombstone(item) else None

    async def dismiss(self, user_id: str, rule: Rule, fingerprint: str, entry: AuditEntry, now: datetime) -> RiskWindow:
        """Dismisses a finding, and records it first. The profile follows by the change feed. Safe to be repeated.

        Raises:
            NotFound: nothing of the user's has been judged.
            FindingChanged: the rule finds something else by now.
            Contention: turns of the user came in all the while; call again.
        """
        recorded = False

        async def dismissed() -> RiskWindow:
            nonlocal recorded
            held = await self._read(user_id)
            window = held.document
            if rule not in window.findings and _is_dismissed(window, rule, fingerprint):
                return window
            after = judged(window.dismiss(rule, fingerprint, entry.reason, entry.actor_id, now), self.settings)
            if not recorded:
                await self._users.create_item(entry.body())
                recorded = True
            written = after.model_copy(update={"revision": window.revision + 1})
            await write_over(self._windows, written.body(), held.etag)
            return written

        return await repeat("a risk window", dismissed)

    async def _read(self, user_id: str) -> Stored[RiskWindow]:
        item = await read_or_none(self._windows, risk_window_id(user_id), user_id)
        if item is None or is_tombstone(item):
            raise NotFound("risk window")
        return Stored(RiskWindow.parse(item), item["_etag"])


def _is_dismissed(window: RiskWindow, rule: Rule, fingerprint: str) -> bool:
    return rule in window.dismissals and window.dismissals[rule].fingerprint == fingerprint
