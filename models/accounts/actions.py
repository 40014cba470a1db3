"""Who may do what about accounts."""

from __future__ import annotations

from models.core.app_roles import ADMINS, MODERATORS
from models.core.rights import Action

READ_PROFILE = Action(name="profile.read", to="profile", owner=True)
CHANGE_PROFILE = Action(name="profile.change", to="profile", owner=True, changes=True)
FIND_ACCOUNTS = Action(name="user.find", to="user", staff=MODERATORS)
READ_ACCOUNT = Action(name="user.read", to="user", staff=MODERATORS)
MODERATE_ACCOUNT = Action(
    name="user.moderate", to="user", staff=MODERATORS, spares="oneself and superiors", changes=True
)
CLOSE_ACCOUNT = Action(name="user.close", to="user", staff=ADMINS, spares="oneself and superiors", changes=True)
MOVE_ADDRESS = Action(
    name="user.move_address", to="user", staff=MODERATORS, spares="oneself and superiors", changes=True
)
READ_AUDIT = Action(name="user.read_audit", to="user", staff=MODERATORS)
