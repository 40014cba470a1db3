"""Erasing an account: an orchestration that bars it, deletes everything in it, and ends with a receipt.

It can be cut off anywhere, and goes on until it is done. What it remembers of itself are ids and times; that is
removed, too, once it has ended: see `functions.privacy.forgetting`.

What staff did to the account is personal data of its user: the audit entries go, and the receipt says how many there
were. What is kept of staff in the accounts of others, and in receipts, is a user_id that names nobody any more once
their own account is erased.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from functions.accounts.acting import audit_entry, check_may_act_on
from functions.accounts.admin_users import MAX_REASON, audit_reason
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Access, Header, Reply
from functions.core.orchestrations import ATTEMPTS, client_of, kept_running, lasting
from functions.core.redaction import private
from functions.core.services import services
from models.accounts.profile import UserProfile
from models.core.errors import NotFound, SelfModeration
from models.privacy.erasure import Asker, Erasure, Tombstone, user_hash_of

ORCHESTRATOR = "erase_user"
INSTANCE_PREFIX = "erasure-"
"""What the ids of these orchestrations begin with; the id of the receipt follows."""

CALLS_PER_HISTORY = 40
"""Activities after which it begins anew, so that its history stays short."""

FOR_STAFF = frozenset({"actor_id"})
ERASURE_REASON = Header(
    "X-Audit-Reason",
    "Why you erase the account. It goes with the account; the receipt keeps who asked, and when",
    {"type": "string", "minLength": 1, "maxLength": MAX_REASON},
    required=True,
)

blueprint = df.Blueprint()
routes = Routes()


@routes.operation(
    "DELETE",
    "me",
    summary="Erase one's account and everything in it, for ever",
    returns=Erasure,
    status=202,
    problems=("not-found", "last-admin"),
    hidden=FOR_STAFF,
    durable=True,
    after_deletion=True,
)
async def delete_me(call: Call[None]) -> Reply:
    """The account is closed at once: from then on the requests of its user are answered with 410, on every instance
    within half a minute. Then everything that is held about them is deleted, which takes a minute or more. It can't be
    undone, and the same identity can't sign in again. The last active admin can't go before there is another one.

    The answer is the receipt, and its `Location` where to see it completed. Sent again, the answer is the same.
    """
    account = await _account(call, call.person.user_id)
    if isinstance(account, UserProfile) and call.is_admin:
        await call.store.accounts.begin_erasing_admin(account.id, account.id, call.now)
    return await _erased(call, account, "user", None)


@routes.operation(
    "DELETE",
    "admin/users/{user_id}",
    summary="Erase an account and everything in it, for ever",
    access=Access.ADMIN,
    returns=Erasure,
    status=202,
    problems=("audit-reason-required", "self-moderation", "outranked", "last-admin"),
    headers=(ERASURE_REASON,),
    hidden=FOR_STAFF,
    durable=True,
)
async def delete_user(call: Call[None]) -> Reply:
    """As if its user had asked for it. The reason goes with the account; the receipt keeps who asked, and when."""
    user_id, reason = call.uuid("user_id"), audit_reason(call, "you erase this account")
    if user_id == call.person.user_id:
        raise SelfModeration
    account = await _account(call, user_id)
    if not isinstance(account, Tombstone):
        check_may_act_on(call, account)
        if account.is_admin:
            await call.store.accounts.begin_erasing_admin(user_id, call.person.user_id, call.now)
        await call.store.erasures.note(audit_entry(call, user_id, "erase", reason))
    return await _erased(call, account, "admin", call.person.user_id)


@routes.operation(
    "GET",
    "erasures/{erasure_id}",
    summary="The receipt of an erasure: what was deleted, and when",
    returns=Erasure,
    hidden=FOR_STAFF,
    after_deletion=True,
)
async def get_erasure(call: Call[None]) -> Erasure:
    """For whom it is about, who signs in as before though the account is gone, and for admins."""
    erasure = await call.store.erasures.receipt(call.uuid("erasure_id"))
    if erasure.user_hash != user_hash_of(call.person.user_id, _key()):
        if not call.is_admin:
            raise NotFound("erasure")
        await call.writer()  # an admin's account must be active
    return erasure


async def _account(call: Call[None], user_id: str) -> UserProfile | Tombstone:
    account = await call.store.erasures.account(user_id)
    if account is None:
        raise NotFound("user")
    return account


async def _erased(call: Call[None], account: UserProfile | Tombstone, asker: Asker, actor_id: str | None) -> Reply:
    """Starts the orchestration, and closes the account before the answer.

    In this order: a process that dies in between has started what will close the account.
    """
    erasures, user_id = call.store.erasures, account.id
    erasure = (
        await erasures.receipt(account.erasure_id)
        if isinstance(account, Tombstone)
        else Erasure.of(user_id, asker, actor_id, call.now, _key())
    )
    if erasure.status != "completed":
        work = {
            "user_id": user_id,
            "erasure": erasure.body(),
            "is_barred": False,
            "settle_seconds": call.services.settings.erasure_settle_seconds,
        }
        await kept_running(client_of(call), ORCHESTRATOR, INSTANCE_PREFIX + erasure.id, work)
        await erasures.bar(user_id, erasure)
        call.store.users.close(user_id)
        erasure = await erasures.receipt(erasure.id)
    return Reply(erasure, headers={"Location": f"/api/erasures/{erasure.id}"})


@blueprint.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
def erase_user(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    yield from lasting(context, dict(context.get_input()), _steps)


def _steps(context: df.DurableOrchestrationContext, work: dict[str, Any]) -> Generator[Any, Any, bool]:
    if not work["is_barred"]:
        yield context.call_activity_with_retry("erasure_bar", ATTEMPTS, work)
        settled = context.current_utc_datetime + timedelta(seconds=work["settle_seconds"])
        yield context.create_timer(settled)
        work["is_barred"] = True
        return False
    for _ in range(CALLS_PER_HISTORY):
        if (yield context.call_activity_with_retry("erasure_sweep", ATTEMPTS, work)):
            continue
        if (yield context.call_activity_with_retry("erasure_finish", ATTEMPTS, work)):
            return True
    return False


@blueprint.activity_trigger(input_name="work")  # type: ignore[untyped-decorator]
@private
async def erasure_bar(work: Any) -> None:
    store = await services().store()
    await store.erasures.bar(work["user_id"], Erasure.parse(work["erasure"]))
    store.users.close(work["user_id"])


@blueprint.activity_trigger(input_name="work")  # type: ignore[untyped-decorator]
@private
async def erasure_sweep(work: Any) -> bool:
    """Whether there is more."""
    erasures = (await services().store()).erasures
    await erasures.start(work["erasure"]["id"], datetime.now(UTC))
    return await erasures.sweep(work["user_id"])


@blueprint.activity_trigger(input_name="work")  # type: ignore[untyped-decorator]
@private
async def erasure_finish(work: Any) -> bool:
    """Whether nothing was left."""
    erasures = (await services().store()).erasures
    return await erasures.finish(work["user_id"], work["erasure"]["id"], datetime.now(UTC))


def _key() -> bytes:
    return services().settings.address_hash_key.get_secret_value().encode()
