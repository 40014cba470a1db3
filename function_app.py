"""The function app: registers what is switched on, nothing else."""

import azure.functions as func

from functions.capabilities import chosen
from functions.core import docs, unmatched
from functions.core.services import services
from functions.jobs import driving, watching

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ON = chosen(services().settings.capabilities)  # a setting that is missing or wrong stops the start
API = tuple(routes for capability in ON for routes in capability.routes)
JOBS = tuple(kind for capability in ON for kind in capability.jobs)
DESCRIBED = (*API, docs.routes_describing(API))
for routes in DESCRIBED:
    app.register_functions(routes.blueprint())
app.register_functions(unmatched.blueprint(DESCRIBED))
app.register_functions(driving.blueprint(JOBS))
app.register_functions(watching.blueprint(JOBS))
for capability in ON:
    for blueprint in capability.blueprints:
        app.register_functions(blueprint)
