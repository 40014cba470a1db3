"""Who may do what about what is used up: limits, admissions, prices."""

from __future__ import annotations

from models.core.app_roles import ADMINS, INGEST_ROLE, MODERATORS
from models.core.rights import Action

READ_USAGE = Action(name="usage.read", to="usage", owner=True)
ADMIT = Action(name="admission.make", to="admission", owner=True, servers=frozenset({INGEST_ROLE}), changes=True)
RELEASE = Action(name="admission.release", to="admission", owner=True, servers=frozenset({INGEST_ROLE}), changes=True)
SET_LIMITS = Action(name="user.set_limits", to="user", staff=ADMINS, spares="oneself and superiors", changes=True)
READ_USE_OF = Action(name="user.read_usage", to="user", staff=MODERATORS, spares="superiors")
