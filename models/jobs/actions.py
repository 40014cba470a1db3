"""Who may do what about work that was promised."""

from __future__ import annotations

from models.core.app_roles import ADMINS
from models.core.rights import Action

READ_JOBS = Action(name="job.read", to="job", staff=ADMINS)
START_JOB_AGAIN = Action(name="job.start_again", to="job", staff=ADMINS, changes=True)
