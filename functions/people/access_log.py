"""Who has read, or done, something about the user: staff, organizations, guardians."""

from __future__ import annotations

from pydantic import Field

from cosmos.accounts.audit import Audit
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.accounts.audit import AuditedAct, ByRight
from models.core.document import Message
from models.core.values import Timestamp
from models.people.actions import READ_ACCESS_LOG

routes = Routes()


class AccessEntry(Message):
    """One act of somebody else about the user. It does not say who: that is in the audit, with whoever runs this."""

    act: AuditedAct = Field(description="What was done or read")
    by_right: ByRight = Field(description="By what they did it: staff, an organization, or as a guardian")
    reason: str = Field(description="Why, as they said")
    at: Timestamp = Field(description="When")


@routes.operation(
    "GET",
    "me/access-log",
    summary="What others read or did about the user, newest first",
    action=READ_ACCESS_LOG,
    query=Paged,
    returns=Page[AccessEntry],
)
async def list_my_access_log(call: Call[None]) -> Page[AccessEntry]:
    user_id, continuation = call.person.user_id, verified_continuation(call)
    entries, following = await call.store[Audit].page(user_id, call.query.limit, continuation)
    items = [AccessEntry(act=one.act, by_right=one.by_right, reason=one.reason, at=one.audited_at) for one in entries]
    return Page(items=items, continuation=signed_continuation(call, following))
