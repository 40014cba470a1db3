"""Who may do what about figures."""

from __future__ import annotations

from models.core.app_roles import ADMINS, MODERATORS
from models.core.rights import Action

READ_ANALYTICS = Action(name="analytics.read", to="dashboard", owner=True)
READ_INSIGHTS = Action(name="insights.read", to="platform", staff=ADMINS)
READ_STANDINGS = Action(name="standings.read", to="platform", staff=ADMINS)
READ_ORGANIZATION_USE = Action(
    name="organization.read_use", to="organization", permission="analytics.read", staff=ADMINS
)
READ_DASHBOARD_OF = Action(name="user.read_dashboard", to="user", staff=MODERATORS, spares="superiors")
