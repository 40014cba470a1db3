"""Staff against staff: who may do what to whom, and that one active admin is always left."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from functions.composition import Store, services
from local.entra.identity import TENANT_ID
from models.accounts.staff import ROSTER_ID, StaffRoster
from models.core.identity import email_claim_id_of
from models.privacy.erasure import Erasure
from tests.functions.accounts.test_admin_users import found
from tests.functions.calls import Headers, SignIn, a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANY = {"If-Match": "*", "X-Audit-Reason": "A test"}
ROLES = {"user": [], "moderator": ["Vimarsh.Moderator"], "admin": ["Vimarsh.Admin"]}
STATUSES = ("active", "suspended", "blocked", "erased")

ACTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "suspend": ("PATCH", "", {"action": "suspend", "reason": "So"}),
    "block": ("PATCH", "", {"action": "block", "reason": "So"}),
    "restore": ("PATCH", "", {"action": "restore", "reason": "So"}),
    "note": ("PATCH", "", {"action": "note", "reason": "So"}),
    "limits": ("PUT", "/limits", {"limits": {}, "reason": "So"}),
    "dismiss": ("PUT", "/risk/dismissal", {"rule": "spam", "fingerprint": "0" * 16, "reason": "So"}),
    "claim": ("PUT", "/email-claim", {"reason": "So"}),
    "read": ("GET", "/interactions", None),
    "erase": ("DELETE", "", None),
}
READS = ("", "/audit", "/risk", "/interactions")
FOR_ADMINS = {"block", "restore", "limits", "erase"}
WRONG_STATUS = {
    ("suspend", "suspended"),
    ("suspend", "blocked"),
    ("block", "blocked"),
    ("restore", "active"),
}


def expected(actor: str, act: str, target: str, status: str) -> tuple[int, str]:
    """The table: what an active moderator or admin is answered."""
    if actor == "moderator" and act in FOR_ADMINS:
        return 403, "forbidden"
    if status == "erased":
        return (202, "") if act == "erase" else (410, "account-deleted")
    if actor == "moderator" and target == "admin":
        return 403, "outranked"
    if (act, status) in WRONG_STATUS:
        return 409, "wrong-status"
    return {"erase": (202, ""), "dismiss": (404, "not-found")}.get(act, (200, ""))


class Somebody:
    """An account of one role, whose status is set behind the app's back."""

    def __init__(self, api: httpx.AsyncClient, headers: Headers, user_id: str) -> None:
        self.api, self.headers, self.id = api, headers, user_id

    @classmethod
    async def new(cls, api: httpx.AsyncClient, sign_in: SignIn, role: str) -> Somebody:
        headers = sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=ROLES[role])
        answer = await api.get("/me", headers=headers)
        return cls(api, headers, answer.json()["id"])

    async def becomes(self, status: str) -> None:
        store = await services().store()
        if status == "erased":
            await store.erasures.bar(self.id, Erasure.of(self.id, "user", None, datetime.now(UTC), b"key"))
            store.users.close(self.id)
            return
        operations = [{"op": "set", "path": "/account_status", "value": status}]
        await store.users._container.patch_item(self.id, self.id, operations)
        store.users._seen.pop(self.id, None)

    async def status(self) -> str:
        item = await (await services().store()).users._container.read_item(self.id, self.id)
        status: str = item["account_status"]
        return status

    async def does(self, act: str, target: Somebody) -> httpx.Response:
        method, path, body = ACTS[act]
        return await self.api.request(method, f"/admin/users/{target.id}{path}", json=body, headers=self.headers | ANY)


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    problem = answer.json().get("type", "") if answer.status_code >= 400 else ""
    return answer.status_code, problem.removeprefix("urn:vimarsh:problem:")


async def only(*admins: Somebody) -> None:
    """Has the roster know of these admins and of no other test's."""
    roster = StaffRoster(admins=[admin.id for admin in admins])
    await (await services().store()).users._container.upsert_item(roster.body())


async def roster() -> StaffRoster:
    store: Store = await services().store()
    return StaffRoster.parse(await store.users._container.read_item(ROSTER_ID, ROSTER_ID))


@pytest.mark.parametrize("target_role", ROLES)
@pytest.mark.parametrize("actor_role", ["moderator", "admin"])
async def test_who_may_do_what_to_whom(
    api: httpx.AsyncClient, sign_in: SignIn, actor_role: str, target_role: str
) -> None:
    actor = await Somebody.new(api, sign_in, actor_role)
    answers, wanted = {}, {}
    for status in STATUSES:
        target = await Somebody.new(api, sign_in, target_role)
        for act in ACTS:
            await target.becomes(status)
            answers[status, act] = kind_of(await actor.does(act, target))
            wanted[status, act] = expected(actor_role, act, target_role, status)
    assert answers == wanted


@pytest.mark.parametrize("status", ["suspended", "blocked", "erased"])
@pytest.mark.parametrize("role", ["moderator", "admin"])
async def test_staff_whose_account_is_not_active_are_no_staff(
    api: httpx.AsyncClient, sign_in: SignIn, role: str, status: str
) -> None:
    actor, target = await Somebody.new(api, sign_in, role), await Somebody.new(api, sign_in, "user")
    await actor.becomes(status)
    refused = (410, "account-deleted") if status == "erased" else (403, f"account-{status}")
    answers = {act: kind_of(await actor.does(act, target)) for act in ACTS}
    paths = [f"/users/{target.id}{path}" for path in READS] + ["/users"]
    if role == "admin":
        paths += ["/insights", "/analytics?by=model", "/dead-letters", f"/rebuilds/{target.id}"]
    for path in paths:
        answers[path] = kind_of(await api.get(f"/admin{path}", headers=actor.headers | ANY))
    assert answers == {
        name: (403, "forbidden") if role == "moderator" and name in {"limits", "erase"} else refused for name in answers
    }
    assert await target.status() == "active"


@pytest.mark.parametrize("status", ["suspended", "blocked", "erased"])
async def test_an_admin_whose_account_is_not_active_reads_no_receipts_of_others(
    api: httpx.AsyncClient, sign_in: SignIn, status: str
) -> None:
    admin, gone = await Somebody.new(api, sign_in, "admin"), await Somebody.new(api, sign_in, "user")
    receipt = (await api.delete("/me", headers=gone.headers)).json()
    path = f"/erasures/{receipt['id']}"
    assert (await api.get(path, headers=admin.headers)).status_code == 200
    await admin.becomes(status)
    assert (await api.get(path, headers=admin.headers)).status_code in (403, 410)
    assert (await api.get(path, headers=gone.headers)).status_code == 200


async def test_what_staff_do_to_somebody_is_all_in_the_table() -> None:
    """A new operation belongs into `ACTS`, or it acts on no account."""
    from function_app import API  # reads the settings, which must be there first

    staff = [operation for routes in API for operation in routes.operations if operation.action.is_for_staff]
    of_accounts = {operation.name for operation in staff if "{user_id}" in operation.path}
    assert of_accounts == {
        *("get_user", "list_user_audit", "get_user_risk"),
        *("moderate_user", "set_user_limits", "dismiss_finding", "move_email_claim"),
        *("read_user_interactions", "delete_user"),
        *("get_user_usage", "get_user_dashboard"),  # as `read_user_interactions`: they act on nobody, and are audited
    }
    assert {operation.name for operation in staff if operation.method != "GET"} - of_accounts == {
        *("redrive_dead_letters", "start_rebuild", "start_repricing"),  # for admins, of documents
        "start_job_again",  # for admins, of work that was promised
        *("run_organization", "restore_organization"),  # for admins, of organizations
        "set_review_visibility",  # see tests/functions/library/test_ratings.py
    }


async def test_a_role_is_known_from_the_first_request_on_whatever_it_is(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    moderator = await Somebody.new(api, sign_in, "moderator")
    ways = (
        lambda headers: api.get("/me", headers=headers),
        lambda headers: api.get("/admin/users", headers=headers),
        lambda headers: a_session(api, headers),
    )
    for way in ways:
        email = f"{uuid.uuid4().hex}@contoso.example"
        profile = (await api.get("/me", headers=sign_in(email))).json()
        promoted = sign_in(email, roles=ROLES["admin"])
        await way(promoted)
        admin = Somebody(api, promoted, profile["id"])
        assert kind_of(await moderator.does("suspend", admin)) == (403, "outranked")
        assert admin.id in (await roster()).admins


async def test_who_is_no_admin_any_more_is_acted_on_once_a_token_says_so(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    moderator = await Somebody.new(api, sign_in, "moderator")
    headers = sign_in(an_email, roles=ROLES["admin"])
    former = Somebody(api, headers, (await api.get("/me", headers=headers)).json()["id"])
    await api.get("/me", headers=sign_in(an_email))
    assert former.id not in (await roster()).admins
    assert kind_of(await moderator.does("suspend", former)) == (200, "")


@pytest.mark.parametrize(("one", "other"), [("suspend", "suspend"), ("suspend", "block"), ("block", "erase")])
async def test_two_admins_who_close_each_others_account_at_once_do_not_both(
    api: httpx.AsyncClient, sign_in: SignIn, one: str, other: str
) -> None:
    for others in (0, 1):
        admins = [await Somebody.new(api, sign_in, "admin") for _ in range(2 + others)]
        await only(*admins)
        answers = await asyncio.gather(admins[0].does(one, admins[1]), admins[1].does(other, admins[0]))
        assert sorted(answer.status_code for answer in answers)[1] in (403, 409, 410)
        assert [await admin.status() for admin in admins].count("active") == 1 + others


async def test_of_a_ring_of_admins_one_is_left(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    admins = [await Somebody.new(api, sign_in, "admin") for _ in range(5)]
    await only(*admins)
    pairs = zip(admins, [*admins[1:], admins[0]], strict=True)
    answers = await asyncio.gather(*(one.does("suspend", other) for one, other in pairs))
    left = [admin for admin in admins if await admin.status() == "active"]
    assert left
    assert {kind_of(answer) for answer in answers} <= {
        (200, ""),
        (403, "account-suspended"),
        (409, "last-admin"),
    }
    closed = next(admin for admin in admins if admin not in left)
    assert kind_of(await left[0].does("restore", closed)) == (200, "")
    assert closed.id not in (await roster()).closings
    assert kind_of(await closed.does("note", left[0])) == (200, "")


async def test_admins_who_erase_themselves_at_once_do_not_all(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    admins = [await Somebody.new(api, sign_in, "admin") for _ in range(3)]
    await only(*admins)
    answers = await asyncio.gather(*(api.delete("/me", headers=admin.headers) for admin in admins))
    assert sorted(kind_of(answer) for answer in answers) == [(202, ""), (202, ""), (409, "last-admin")]
    assert [await admin.status() for admin in admins].count("active") == 1


async def test_the_last_admin_goes_once_there_is_another(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    admin, moderator = await Somebody.new(api, sign_in, "admin"), await Somebody.new(api, sign_in, "moderator")
    await only(admin)
    refused = await api.delete("/me", headers=admin.headers)
    assert kind_of(refused) == (409, "last-admin")
    assert "Entra ID" in refused.json()["detail"]
    assert await admin.status() == "active"
    assert (await api.delete("/me", headers=moderator.headers)).status_code == 202
    await Somebody.new(api, sign_in, "admin")
    assert (await api.delete("/me", headers=admin.headers)).status_code == 202
    assert admin.id not in (await roster()).admins


async def test_a_new_identity_with_the_role_is_the_way_back_in(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    lost = await Somebody.new(api, sign_in, "admin")
    await only(lost)
    await lost.becomes("blocked")
    rescuer = Somebody(api, sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=ROLES["admin"]), "")
    assert kind_of(await rescuer.does("restore", lost)) == (200, "")
    assert (await api.get("/admin/insights", headers=lost.headers)).status_code == 200


@pytest.mark.parametrize("act", [act for act in ACTS if act != "read"])
async def test_nobody_does_anything_to_their_own_account(api: httpx.AsyncClient, sign_in: SignIn, act: str) -> None:
    admin = await Somebody.new(api, sign_in, "admin")
    assert kind_of(await admin.does(act, admin)) == (403, "self-moderation")


async def profile_of(somebody: Somebody) -> dict[str, Any]:
    profile: dict[str, Any] = (await somebody.api.get("/me", headers=somebody.headers)).json()
    return profile


async def rivals(api: httpx.AsyncClient, sign_in: SignIn, email: str, role: str = "user") -> tuple[Somebody, Somebody]:
    """Two accounts that show one address: the first holds it."""
    both = []
    for oid in (None, str(uuid.uuid4())):
        headers = sign_in(email, roles=ROLES[role], claims={"oid": oid} if oid else {})
        both.append(Somebody(api, headers, (await api.get("/me", headers=headers)).json()["id"]))
    return both[0], both[1]


async def test_staff_move_an_address_with_a_reason_and_both_keep_it(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    holder, rival = await rivals(api, sign_in, an_email)
    moderator = await Somebody.new(api, sign_in, "moderator")
    assert [(await profile_of(one))["email_status"] for one in (holder, rival)] == ["claimed", "contested"]
    assert set(await found(api, moderator.headers, "id", email=an_email)) == {holder.id, rival.id}
    moved = await moderator.does("claim", rival)
    assert (moved.status_code, moved.json()["email_status"]) == (200, "claimed")
    assert [(await profile_of(one))["email_status"] for one in (holder, rival)] == ["contested", "claimed"]
    for one in (holder, rival):
        (entry,) = (await api.get(f"/admin/users/{one.id}/audit", headers=moderator.headers)).json()["items"]
        assert (entry["act"], entry["reason"], entry["actor_id"]) == ("move_email_claim", "So", moderator.id)
        assert entry["request_id"] == moved.headers["x-request-id"]
    assert kind_of(await moderator.does("claim", holder)) == (200, "")
    assert [(await profile_of(one))["email_status"] for one in (holder, rival)] == ["claimed", "contested"]


async def test_an_address_is_free_once_its_holder_is_erased(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    holder, rival = await rivals(api, sign_in, an_email)
    await holder.becomes("erased")
    store = await services().store()
    while await store.erasures.sweep(holder.id):
        pass
    assert (await profile_of(rival))["email_status"] == "claimed"


@pytest.mark.parametrize("acting", ["moderator", "admin"])
async def test_nobody_takes_an_address_from_somebody_with_more_rights(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str, acting: str
) -> None:
    holder, _ = await rivals(api, sign_in, an_email, "admin")
    staff = await Somebody.new(api, sign_in, acting)
    other = Somebody(api, sign_in(an_email, claims={"oid": str(uuid.uuid4())}), "")
    other.id = (await profile_of(other))["id"]
    wanted = (403, "outranked") if acting == "moderator" else (200, "")
    assert kind_of(await staff.does("claim", other)) == wanted
    assert (await profile_of(holder))["email_status"] == ("claimed" if acting == "moderator" else "contested")


async def test_of_staff_who_give_an_address_to_two_at_once_one_wins(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    holder, rival = await rivals(api, sign_in, an_email)
    third = Somebody(api, sign_in(an_email, claims={"oid": str(uuid.uuid4())}), "")
    third.id = (await profile_of(third))["id"]
    staff = [await Somebody.new(api, sign_in, "moderator") for _ in range(2)]
    answers = await asyncio.gather(staff[0].does("claim", rival), staff[1].does("claim", third))
    assert {answer.status_code for answer in answers} <= {200, 412}
    people = (holder, rival, third)
    held = await (await services().store()).users._container.read_item(*[email_claim_id_of(TENANT_ID, an_email)] * 2)
    assert [one.id for one in people if (await profile_of(one))["email_status"] == "claimed"] == [held["user_id"]]


async def test_an_account_without_an_address_is_given_none(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    admin = await Somebody.new(api, sign_in, "admin")
    headers = sign_in("x@contoso.example", claims={"oid": str(uuid.uuid4()), "email": None, "preferred_username": "X"})
    bare = Somebody(api, headers, (await api.get("/me", headers=headers)).json()["id"])
    assert (await profile_of(bare))["email_status"] == "absent"
    assert kind_of(await admin.does("claim", bare)) == (409, "wrong-status")
