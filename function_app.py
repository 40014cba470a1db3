"""The function app: registers what is switched on, nothing else."""

import azure.functions as func

from functions.capabilities import CAPABILITIES, chosen
from functions.composition import services
from functions.core import docs, unmatched
from functions.core.services import wrong_settings
from functions.jobs import driving, watching
from models.kinds import KINDS

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
WRONG = wrong_settings()
ON = chosen(CAPABILITIES if WRONG else services().settings.capabilities)
API = tuple(routes for capability in ON for routes in capability.routes)
JOBS = tuple(kind for capability in ON for kind in capability.jobs)
DESCRIBED = (*API, docs.routes_describing(API, KINDS.values()))
for routes in DESCRIBED:
    app.register_functions(routes.blueprint())
app.register_functions(unmatched.blueprint(DESCRIBED))
BY_THEMSELVES = (
    driving.blueprint(JOBS),
    watching.blueprint(JOBS, [look for capability in ON for look in capability.looks]),
    *(blueprint for capability in ON for blueprint in capability.blueprints),
)
for blueprint in () if WRONG else BY_THEMSELVES:  # a feed that can't work would lose what it is given
    app.register_functions(blueprint)
