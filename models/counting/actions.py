"""Who may do what about what is counted."""

from __future__ import annotations

from models.core.app_roles import ADMINS
from models.core.rights import Action

READ_DEAD_LETTERS = Action(name="dead_letter.read", to="dead letter", staff=ADMINS)
REDRIVE = Action(name="dead_letter.redrive", to="dead letter", staff=ADMINS, changes=True)
READ_REBUILDS = Action(name="rebuild.read", to="rebuild", staff=ADMINS)
START_REBUILD = Action(name="rebuild.start", to="rebuild", staff=ADMINS, changes=True)
