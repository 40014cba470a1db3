"""What an organization's members used for it, for those who may see its figures."""

from __future__ import annotations

import asyncio
from typing import Self

from pydantic import Field, model_validator

from cosmos.analytics.rollups import Rollups
from cosmos.organizations.members import MemberFilter, Members
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Query
from functions.core.paging import Page, signed_continuation, verified_continuation
from models.analytics.actions import READ_ORGANIZATION_USE
from models.analytics.organization_use import MemberUse, use_of
from models.analytics.user_analytics import MAX_DAYS, bucket_of, day_range
from models.core.values import Day
from models.organizations.member import Member

routes = Routes()

MOST_MEMBERS = 50
"""In a page: each is asked for their own days."""


class OrganizationUseQuery(Query):
    """Which days of the members' calendars, and which members."""

    from_: Day | None = Field(default=None, alias="from", description="First day; 29 days before the last if absent")
    to: Day | None = Field(default=None, description="Last day, counted in; today if absent")
    limit: int = Field(default=20, ge=1, le=MOST_MEMBERS, description="Most members in a page")
    continuation: str | None = Field(
        default=None, description="From the page before", json_schema_extra={"pattern": "^[A-Za-z0-9_-]+={0,2}$"}
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ and self.to and not 0 <= (self.to - self.from_).days < MAX_DAYS:
            raise ValueError(f"from and to must be in order, and at most {MAX_DAYS} days")
        return self


@routes.operation(
    "GET",
    "organizations/{organization_id}/usage",
    summary="What an organization's members used for it, by member, day and model",
    action=READ_ORGANIZATION_USE,
    query=OrganizationUseQuery,
    returns=Page[MemberUse],
    problems=("bad-continuation",),
)
async def get_organization_use(call: Call[None]) -> Page[MemberUse]:
    """Of sessions that began with its `organization_id`. Members who joined first come first.

    It is what their own rollups count: without a member's consent to analytics nothing, and nothing of those who left.
    """
    query: OrganizationUseQuery = call.query
    organization_id = call.uuid("organization_id")
    first, last = day_range(query.from_, query.to, call.now.date())
    found, following = await call.store[Members].page(
        organization_id, MemberFilter(), query.limit, verified_continuation(call)
    )

    async def used(member: Member) -> MemberUse:
        rollups = await call.store[Rollups].rollups(member.user_id, bucket_of(first, "daily"), bucket_of(last, "daily"))
        return use_of(organization_id, member.user_id, member.name, rollups)

    items = await asyncio.gather(*map(used, found))
    return Page(items=list(items), continuation=signed_continuation(call, following))
