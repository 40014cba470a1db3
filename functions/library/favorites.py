"""What the user keeps at hand."""

from __future__ import annotations

from functions.core.api import Routes
from functions.core.resource_routes import routes_of
from models.library.favorite import FAVORITE

routes = Routes()
routes_of(FAVORITE, routes, __name__)
