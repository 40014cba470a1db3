"""The function app: registers the blueprints, nothing else."""

import azure.functions as func

from functions import (
    admin_users,
    bookmarks,
    feeds,
    health,
    history,
    idle_sessions,
    ingest,
    insights,
    interactions,
    me,
    sessions,
)
from functions.services import services

services()  # a setting that is missing or wrong stops the start

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for routes in (
    health.routes,
    me.routes,
    insights.routes,
    sessions.routes,
    interactions.routes,
    history.routes,
    ingest.routes,
    bookmarks.routes,
    admin_users.routes,
):
    app.register_functions(routes.blueprint())
app.register_functions(feeds.blueprint)
app.register_functions(idle_sessions.blueprint)
