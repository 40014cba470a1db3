"""Who may do what about sessions and turns."""

from __future__ import annotations

from models.core.app_roles import ADMINS, INGEST_ROLE, MODERATORS
from models.core.rights import Action

READ_SESSIONS = Action(name="session.read", to="session", owner=True)
CHANGE_SESSIONS = Action(name="session.change", to="session", owner=True, changes=True)
START_IN = Action(name="session.start_in", to="organization", member=True, changes=True)
READ_TURNS = Action(name="turn.read", to="turn", owner=True)
CHANGE_TURNS = Action(name="turn.change", to="turn", owner=True, changes=True)
RECORD_TURNS = Action(name="turn.record", to="turn", owner=True, changes=True)
INGEST_TURNS = Action(name="turn.ingest", to="turn", servers=frozenset({INGEST_ROLE}), changes=True)
READ_WORDS = Action(name="user.read_interactions", to="user", staff=MODERATORS, spares="superiors")
READ_REPRICINGS = Action(name="repricing.read", to="repricing", staff=ADMINS)
START_REPRICING = Action(name="repricing.start", to="repricing", staff=ADMINS, changes=True)
