"""Who may do what about risk."""

from __future__ import annotations

from models.core.app_roles import MODERATORS
from models.core.rights import Action

READ_RISK = Action(name="risk.read", to="user", staff=MODERATORS)
DISMISS_FINDING = Action(name="risk.dismiss", to="user", staff=MODERATORS, spares="oneself and superiors", changes=True)
