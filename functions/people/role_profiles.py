"""What users say of themselves as pupils, teachers and parents."""

from __future__ import annotations

from functions.core.api import Routes
from functions.core.resource_routes import routes_of
from models.people.role_profiles import PARENT_PROFILE, STUDENT_PROFILE, TEACHER_PROFILE

routes = Routes()
for kind in (STUDENT_PROFILE, TEACHER_PROFILE, PARENT_PROFILE):
    routes_of(kind, routes, __name__)
