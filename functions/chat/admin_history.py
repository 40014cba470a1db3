"""What a user wrote, for staff, for a reason."""

from __future__ import annotations

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.audit import Audit
from cosmos.chat.history import History, HistoryFilter
from functions.accounts.acting import AUDIT_REASON, audit_entry, audit_reason, check_may_act_on
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.chat.actions import READ_WORDS
from models.chat.interaction import UserInteraction

routes = Routes()


@routes.operation(
    "GET",
    "admin/users/{user_id}/interactions",
    summary="What a user wrote, newest first; each page that is read is audited",
    action=READ_WORDS,
    query=Paged,
    returns=Page[UserInteraction],
    problems=("audit-reason-required", "outranked"),
    headers=(AUDIT_REASON,),
)
async def read_user_interactions(call: Call[None]) -> Page[UserInteraction]:
    """Not of an account with more rights than one's own."""
    reason, continuation = audit_reason(call, "you read what this user wrote"), verified_continuation(call)
    profile = await call.store[Accounts].read(call.uuid("user_id"))  # nothing is kept about somebody who does not exist
    check_may_act_on(call, profile)
    entry = audit_entry(call, profile.id, "read_interactions", reason)
    await call.store[Audit].write(entry)
    turns, following = await call.store[History].page(profile.id, HistoryFilter(), call.query.limit, continuation)
    return Page(items=turns, continuation=signed_continuation(call, following))
