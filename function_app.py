"""The function app: registers the blueprints, nothing else."""

import azure.functions as func

from functions import (
    admin_insights,
    admin_limits,
    admin_risk,
    admin_users,
    admissions,
    bookmarks,
    consents,
    dead_letters,
    docs,
    erasure,
    export,
    feeds,
    forgetting,
    health,
    history,
    idle_sessions,
    ingest,
    insights,
    interactions,
    me,
    rebuild,
    repricing,
    sessions,
    unmatched,
    usage,
)
from functions.services import services

services()  # a setting that is missing or wrong stops the start

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
API = (
    health.routes,
    me.routes,
    export.routes,
    insights.routes,
    consents.routes,
    sessions.routes,
    interactions.routes,
    history.routes,
    ingest.routes,
    bookmarks.routes,
    admissions.routes,
    usage.routes,
    admin_users.routes,
    admin_limits.routes,
    admin_risk.routes,
    admin_insights.routes,
    dead_letters.routes,
    rebuild.routes,
    repricing.routes,
    erasure.routes,
)
DESCRIBED = (*API, docs.routes_describing(API))
for routes in DESCRIBED:
    app.register_functions(routes.blueprint())
app.register_functions(unmatched.blueprint(DESCRIBED))
app.register_functions(feeds.blueprint)
app.register_functions(idle_sessions.blueprint)
app.register_functions(rebuild.blueprint)
app.register_functions(repricing.blueprint)
app.register_functions(erasure.blueprint)
app.register_functions(consents.blueprint)
app.register_functions(forgetting.blueprint)
