"""Who may do what about what is of no capability."""

from __future__ import annotations

from models.core.app_roles import IMPORT_ROLE
from models.core.rights import Action

READ_HEALTH = Action(name="health.read", to="app", anyone=True)
READ_DESCRIPTION = Action(name="description.read", to="description of the API", anyone=True)
IMPORT_DOCUMENTS = Action(
    name="document.import", to="document from elsewhere", servers=frozenset({IMPORT_ROLE}), changes=True
)
