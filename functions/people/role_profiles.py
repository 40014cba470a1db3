"""What users say of themselves as pupils, teachers and parents, with what follows from their families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from cosmos.people.children import Children
from cosmos.people.guardians import Guardians
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.resource_routes import Derived, routes_of
from models.core.values import Uuid
from models.people.engagement import LOOKED_BACK, EngagementLevel, engagement_of
from models.people.guardianship import primary_of
from models.people.role_profiles import PARENT_PROFILE, STUDENT_PROFILE, TEACHER_PROFILE

routes = Routes()


async def _of_pupil(call: Call[Any], child_id: str) -> Mapping[str, Any]:
    primary = primary_of(await call.store[Guardians].guardians(child_id))
    return {"parent_id": primary.parent_id if primary else None}


async def _of_parent(call: Call[Any], parent_id: str) -> Mapping[str, Any]:
    wards = await call.store[Guardians].wards(parent_id)
    child_ids = sorted(ward.student_id for ward in wards if ward.status == "confirmed")
    opens = await call.store[Children].opened(parent_id, child_ids, call.now - LOOKED_BACK)
    return {"children_ids": child_ids, "engagement_level": engagement_of(opens)}


OF_PUPILS = Derived(
    STUDENT_PROFILE,
    {"parent_id": (Uuid | None, Field(description="Their primary guardian, among those who are confirmed"))},
    _of_pupil,
)
OF_PARENTS = Derived(
    PARENT_PROFILE,
    {
        "children_ids": (list[Uuid], Field(description="The children whose confirmed guardian they are")),
        "engagement_level": (
            EngagementLevel,
            Field(
                description="By how often they opened reports on them in 30 days: `low` 0-1, `medium` 2-7, `high` 8+"
            ),
        ),
    },
    _of_parent,
)

routes_of(STUDENT_PROFILE, routes, __name__, OF_PUPILS)
routes_of(TEACHER_PROFILE, routes, __name__)
routes_of(PARENT_PROFILE, routes, __name__, OF_PARENTS)
