"""Who may do what about answers."""

from __future__ import annotations

from models.core.rights import Action

ANSWER = Action(name="answer.make", to="session", owner=True, changes=True)
READ_ANSWERS = Action(name="answer.read", to="answer", owner=True)
STOP_ANSWERS = Action(name="answer.stop", to="answer", owner=True, changes=True)
READ_MODELS = Action(name="model.read", to="model", owner=True)
