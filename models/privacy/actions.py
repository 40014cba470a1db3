"""Who may do what about consent, export and erasure."""

from __future__ import annotations

from models.core.app_roles import ADMINS
from models.core.rights import Action

EXPORT = Action(name="account.export", to="account", owner=True)
WITHDRAW_CONSENT = Action(name="consent.withdraw", to="consent", owner=True, changes=True)
READ_WITHDRAWAL = Action(name="withdrawal.read", to="withdrawal", owner=True)
ERASE_ONESELF = Action(name="account.erase", to="account", owner=True, changes=True)
ERASE_ACCOUNT = Action(name="user.erase", to="user", staff=ADMINS, spares="oneself and superiors", changes=True)
READ_ERASURE = Action(name="erasure.read", to="erasure", owner=True, staff=ADMINS)
