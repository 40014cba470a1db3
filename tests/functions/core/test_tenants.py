"""Two tenants on one platform: one is the home of staff and servers, the other has users only."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of
from tests.conftest import GUEST_TENANT, GUESTS_SERVER, UNKNOWN_TENANT
from tests.functions.accounts.test_admin_users import found
from tests.functions.calls import Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = {"X-Audit-Reason": "A test", "If-Match": "*"}
STAFF_ROUTES = [
    ("GET", "admin/users", None),
    ("GET", "admin/users/{user_id}", None),
    ("PATCH", "admin/users/{user_id}", {"action": "suspend", "reason": "So"}),
    ("PUT", "admin/users/{user_id}/email-claim", {"reason": "So"}),
    ("PUT", "admin/users/{user_id}/limits", {"limits": {}, "reason": "So"}),
    ("GET", "admin/users/{user_id}/interactions", None),
    ("GET", "admin/users/{user_id}/audit", None),
    ("GET", "admin/users/{user_id}/risk", None),
    ("PUT", "admin/users/{user_id}/risk/dismissal", {"rule": "spam", "fingerprint": "0" * 16, "reason": "So"}),
    ("DELETE", "admin/users/{user_id}", None),
    ("GET", "admin/insights", None),
    ("GET", "admin/analytics?by=model", None),
    ("GET", "admin/dead-letters", None),
    ("POST", "admin/rebuilds", {}),
    ("POST", "admin/repricings", {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
]


def a_user(tenant: str, email: str) -> dict[str, Any]:
    return {"tenant_id": tenant, "auth_id": oid_of(email, tenant), "email": email, "name": "Somebody"}


def an_item(tenant: str, email: str) -> dict[str, Any]:
    item = {"id": str(uuid.uuid4()), "session_id": str(uuid.uuid4()), "timestamp": "2026-10-05T20:00:00Z"}
    return a_turn() | item | {"user": a_user(tenant, email)}


def an_estimate(user: dict[str, Any]) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "input_tokens": 10, "max_output_tokens": 10, "user": user}


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:vimarsh:problem:")


@pytest.mark.parametrize("role", ["Vimarsh.Admin", "Vimarsh.Moderator"])
@pytest.mark.parametrize(("method", "path", "body"), STAFF_ROUTES)
async def test_staff_of_another_tenant_are_not_staff_here(
    api: httpx.AsyncClient, sign_in: SignIn, alice: Headers, method: str, path: str, body: Any, role: str
) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    guest = sign_in("boss@fabrikam.example", tenant=GUEST_TENANT, roles=[role])
    answer = await api.request(method, f"/{path.format(user_id=user_id)}", json=body, headers=guest | WHY)
    assert kind_of(answer) == (403, "forbidden")
    profile = (await api.get("/me", headers=alice)).json()
    assert profile["account_status"] == "active"


async def test_roles_of_another_tenant_are_not_remembered_either(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    roles = ["Vimarsh.Admin", "Vimarsh.Moderator", "Vimarsh.Service"]
    guest = sign_in("crowd@fabrikam.example", tenant=GUEST_TENANT, roles=roles)
    await a_session(api, guest)
    profile = (await api.get("/me", headers=guest)).json()
    assert (profile["staff_roles"], profile["is_admin"], profile["is_service"]) == ([], False, False)


async def test_a_guests_address_is_another_than_that_of_the_same_text_at_home(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    squatter = (await api.get("/me", headers=sign_in(an_email, tenant=GUEST_TENANT))).json()
    owner = (await api.get("/me", headers=sign_in(an_email))).json()
    assert (squatter["email_status"], owner["email_status"]) == ("claimed", "claimed")
    assert squatter["id"] != owner["id"]
    moderator = sign_in("m@contoso.example", roles=["Vimarsh.Moderator"])
    assert set(await found(api, moderator, "id", email=an_email)) == {squatter["id"], owner["id"]}


@pytest.mark.parametrize(
    ("app", "allowed"),
    [
        ({"tenant": TENANT_ID}, {TENANT_ID}),
        ({"tenant": TENANT_ID, "client_id": GUESTS_SERVER}, {GUEST_TENANT}),
        ({"tenant": TENANT_ID, "client_id": GUESTS_SERVER.upper()}, {GUEST_TENANT}),
        ({"tenant": TENANT_ID, "claims": {"azp": None}}, {TENANT_ID}),
    ],
)
async def test_an_application_acts_for_users_of_its_tenants_only(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str, app: dict[str, Any], allowed: set[str]
) -> None:
    server = sign_in(app=True, roles=["Vimarsh.Ingest"], **app)
    for tenant in (TENANT_ID, GUEST_TENANT, UNKNOWN_TENANT):
        item = an_item(tenant, an_email)
        (result,) = (await api.post("/ingest/turns", json={"turns": [item]}, headers=server)).json()["items"]
        admission = await api.post("/admissions", json=an_estimate(item["user"]), headers=server)
        if tenant in allowed:
            assert (result["status"], admission.status_code) == (201, 201)
        else:
            assert (result["status"], result["error"]["type"]) == (403, "urn:vimarsh:problem:tenant-not-allowed")
            assert kind_of(admission) == (403, "tenant-not-allowed")


async def test_what_an_application_may_not_do_stops_nothing_else_of_its_batch(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str
) -> None:
    items = [an_item(tenant, an_email) for tenant in (GUEST_TENANT, TENANT_ID, UNKNOWN_TENANT)]
    answer = await api.post("/ingest/turns", json={"turns": items}, headers=chat_server)
    assert [result["status"] for result in answer.json()["items"]] == [403, 201, 403]


async def test_an_application_releases_nothing_of_other_tenants_users(
    api: httpx.AsyncClient, sign_in: SignIn, chat_server: Headers, an_email: str
) -> None:
    user = a_user(GUEST_TENANT, an_email)
    guests = sign_in(app=True, roles=["Vimarsh.Ingest"], client_id=GUESTS_SERVER)
    admission = (await api.post("/admissions", json=an_estimate(user), headers=guests)).json()
    path = f"/admissions/{admission['id']}?user_id={user_id_of(GUEST_TENANT, user['auth_id'])}"
    assert kind_of(await api.delete(path, headers=chat_server)) == (403, "tenant-not-allowed")
    assert (await api.delete(path, headers=guests)).status_code == 204


async def test_an_application_of_another_tenant_does_nothing(
    api: httpx.AsyncClient, sign_in: SignIn, an_email: str
) -> None:
    for client_id in (None, GUESTS_SERVER):
        server = sign_in(app=True, tenant=GUEST_TENANT, roles=["Vimarsh.Ingest"], client_id=client_id)
        batch = {"turns": [an_item(GUEST_TENANT, an_email)]}
        assert kind_of(await api.post("/ingest/turns", json=batch, headers=server)) == (403, "forbidden")
        estimate = an_estimate(a_user(GUEST_TENANT, an_email))
        assert kind_of(await api.post("/admissions", json=estimate, headers=server)) == (403, "forbidden")


@pytest.mark.parametrize("choice", [{"email": "x@fabrikam.example"}, {"app": True, "roles": ["Vimarsh.Ingest"]}])
async def test_a_tenant_that_is_not_allowed_is_told_so(
    api: httpx.AsyncClient, sign_in: SignIn, choice: dict[str, Any]
) -> None:
    headers = sign_in(tenant=UNKNOWN_TENANT, **choice)
    for answer in (await api.get("/me", headers=headers), await api.post("/admissions", json={}, headers=headers)):
        assert kind_of(answer) == (403, "tenant-not-allowed")
        assert "www-authenticate" not in answer.headers
