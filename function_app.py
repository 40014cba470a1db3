"""The function app: registers the blueprints, nothing else."""

import azure.functions as func

from functions.accounts import admin_users, me
from functions.analytics import admin_insights, insights
from functions.chat import history, idle_sessions, ingest, interactions, sessions
from functions.core import docs, health, unmatched
from functions.core.services import services
from functions.counting import dead_letters, feeds, rebuild
from functions.library import bookmarks, favorites, ratings, reviews
from functions.privacy import consents, erasure, export, forgetting
from functions.risk import admin_risk
from functions.usage import admin_limits, admissions, repricing, usage

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
    favorites.routes,
    ratings.routes,
    reviews.routes,
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
