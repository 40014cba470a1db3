from __future__ import annotations

import uuid
from typing import Any

import httpx
import jwt
import pytest

from local.entra.identity import (
    ADMIN_ROLE,
    API_CLIENT_ID,
    INGEST_ROLE,
    TENANT_ID,
    IdentityError,
    make_person,
    oid_of,
)
from local.entra.keys import SigningKey
from tests.local.entra.conftest import BASE_URL, START

METADATA = f"/{TENANT_ID}/v2.0/.well-known/openid-configuration"


async def verified(http: httpx.AsyncClient, token: str, audience: str = API_CLIENT_ID) -> dict[str, Any]:
    """The claims, verified as an API does: metadata, then its key set, then the key with the token's kid."""
    metadata = (await http.get(METADATA)).json()
    keys = jwt.PyJWKSet.from_dict((await http.get(metadata["jwks_uri"])).json())
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "RS256"
    assert header["typ"] == "JWT"
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[header["kid"]].key,
        algorithms=["RS256"],
        audience=audience,
        issuer=metadata["issuer"],
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return claims


async def test_a_users_token_has_the_claims_of_an_entra_v2_access_token(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/_local/token", json={"email": "Alice.Morgan@contoso.example"})).json()
    claims = await verified(http, answer["access_token"])
    assert claims == answer["claims"]
    unpredictable = {name: claims.pop(name) for name in ("rh", "uti", "sub", "azp")}
    assert all(unpredictable.values())
    assert claims == {
        "aud": API_CLIENT_ID,
        "iss": f"{BASE_URL}/{TENANT_ID}/v2.0",
        "iat": START,
        "nbf": START,
        "exp": START + 3600,
        "azpacr": "0",
        "tid": TENANT_ID,
        "oid": oid_of("alice.morgan@contoso.example"),
        "scp": "Vimarsh.Access",
        "ver": "2.0",
        "name": "Alice Morgan",
        "given_name": "Alice",
        "family_name": "Morgan",
        "email": "Alice.Morgan@contoso.example",
        "preferred_username": "Alice.Morgan@contoso.example",
    }
    assert answer["expires_in"] == 3600
    assert answer["token_type"] == "Bearer"


async def test_roles_stand_beside_the_scope_of_a_user(http: httpx.AsyncClient) -> None:
    body = {"email": "alice@contoso.example", "roles": [ADMIN_ROLE, "Vimarsh.Moderator", ADMIN_ROLE]}
    claims = (await http.post("/_local/token", json=body)).json()["claims"]
    assert claims["roles"] == [ADMIN_ROLE, "Vimarsh.Moderator"]
    assert claims["scp"] == "Vimarsh.Access"


async def test_an_apps_token_has_roles_and_neither_scope_nor_person(http: httpx.AsyncClient) -> None:
    claims = (await http.post("/_local/token", json={"app": True})).json()["claims"]
    assert claims["roles"] == [INGEST_ROLE]
    assert claims["idtyp"] == "app"
    assert claims["azpacr"] == "1"
    assert claims["sub"] == claims["oid"] != claims["azp"]
    assert not {"scp", "name", "email", "preferred_username"} & claims.keys()


async def test_an_app_without_roles_has_no_roles_claim(http: httpx.AsyncClient) -> None:
    claims = (await http.post("/_local/token", json={"app": True, "roles": []})).json()["claims"]
    assert "roles" not in claims


async def test_the_same_email_is_the_same_user_whatever_the_name_and_case(http: httpx.AsyncClient) -> None:
    bodies = [{"email": "bob@contoso.example"}, {"email": "BOB@Contoso.Example", "name": "Robert T"}]
    first, second = [(await http.post("/_local/token", json=body)).json()["claims"] for body in bodies]
    assert first["oid"] == second["oid"] == oid_of("bob@contoso.example")
    assert first["sub"] == second["sub"] != first["oid"]
    assert second["name"] == "Robert T"
    assert uuid.UUID(first["oid"]).version == 5


async def test_another_tenant_has_its_own_issuer_and_users(http: httpx.AsyncClient) -> None:
    tenant = str(uuid.UUID(int=7))
    claims = (await http.post("/_local/token", json={"email": "a@b.example", "tenant": tenant})).json()["claims"]
    metadata = (await http.get(f"/{tenant}/v2.0/.well-known/openid-configuration")).json()
    assert claims["iss"] == metadata["issuer"] == f"{BASE_URL}/{tenant}/v2.0"
    assert claims["tid"] == tenant
    assert claims["oid"] != oid_of("a@b.example")


async def test_a_lifetime_can_be_chosen(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/_local/token", json={"email": "a@b.example", "lifetime_seconds": 5})).json()
    assert answer["expires_in"] == 5
    assert answer["claims"]["exp"] - answer["claims"]["iat"] == 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "not an e-mail address"),
        ([], "not an e-mail address"),
        ({"email": "nobody"}, "not an e-mail address"),
        ({"email": "a@b@c"}, "not an e-mail address"),
        ({"email": 5}, "email must be a string"),
        ({"email": "a@b.example", "roles": "Vimarsh.Admin"}, "roles must be a list"),
        ({"email": "a@b.example", "roles": ["no spaces"]}, "not an app role"),
        ({"email": "a@b.example", "tenant": "contoso"}, "not a GUID"),
        ({"email": "a@b.example", "lifetime_seconds": 0}, "lifetime_seconds"),
        ({"email": "a@b.example", "lifetime_seconds": True}, "lifetime_seconds"),
        ({"email": "a@b.example", "role": "Vimarsh.Admin", "admin": True}, "unknown: admin, role"),
    ],
)
async def test_what_is_not_an_identity_is_refused_with_the_reason(
    http: httpx.AsyncClient, body: object, reason: str
) -> None:
    answer = await http.post("/_local/token", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert reason in answer.json()["error_description"]


async def test_a_body_that_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/_local/token", content=b"email=alice")
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("email", "given", "family"),
    [
        ("alice@contoso.example", "Alice", "Contoso"),
        ("ana.maria.lopez@contoso.example", "Ana", "Maria Lopez"),
        ("_@contoso.example", "_", "Contoso"),
    ],
)
def test_names_are_made_from_the_email(email: str, given: str, family: str) -> None:
    person = make_person(email)
    assert (person.given_name, person.family_name) == (given, family)
    assert person.name == f"{given} {family}"


def test_names_are_split_from_the_given_name() -> None:
    person = make_person("x@contoso.example", name="Rosa de la Cruz")
    assert (person.given_name, person.family_name) == ("Rosa", "de la Cruz")


def test_a_role_with_a_line_break_is_refused() -> None:
    with pytest.raises(IdentityError):
        make_person("a@b.example", roles=("Vimarsh.Admin\n",))


async def test_metadata_names_endpoints_that_answer(http: httpx.AsyncClient) -> None:
    metadata = (await http.get(METADATA)).json()
    assert metadata["issuer"] == f"{BASE_URL}/{TENANT_ID}/v2.0"
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256"]
    assert metadata["subject_types_supported"] == ["pairwise"]
    assert (await http.get(metadata["jwks_uri"])).status_code == 200
    assert (await http.get(metadata["end_session_endpoint"])).status_code == 200
    for name, status in (("authorization_endpoint", 400), ("token_endpoint", 405)):
        assert (await http.get(metadata[name])).status_code == status, name


@pytest.mark.parametrize("tenant", ["common", "organizations"])
async def test_multi_tenant_metadata_keeps_the_tenant_open(http: httpx.AsyncClient, tenant: str) -> None:
    metadata = (await http.get(f"/{tenant}/v2.0/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == f"{BASE_URL}/{{tenantid}}/v2.0"
    keys = (await http.get(metadata["jwks_uri"])).json()["keys"]
    assert keys[0]["issuer"] == metadata["issuer"]
    assert keys[0]["kid"] == (await http.get(f"/{TENANT_ID}/discovery/v2.0/keys")).json()["keys"][0]["kid"]


async def test_a_tenant_that_is_no_guid_is_not_found(http: httpx.AsyncClient) -> None:
    answer = await http.get("/contoso/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_tenant"


async def test_the_key_set_holds_no_private_numbers(http: httpx.AsyncClient, key: SigningKey) -> None:
    listed = (await http.get(f"/{TENANT_ID}/discovery/v2.0/keys")).json()["keys"]
    assert [set(entry) for entry in listed] == [{"kty", "use", "kid", "n", "e", "issuer"}]
    assert listed[0]["kid"] == key.kid


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://127.0.0.1", True),
        ("https://chat.example", True),
        ("https://localhost.evil.example", False),
        ("https://evil.example", False),
    ],
)
async def test_browsers_may_call_from_loopback_and_registered_origins(
    http: httpx.AsyncClient, origin: str, allowed: bool
) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = await http.options(f"/{TENANT_ID}/oauth2/v2.0/token", headers=asked)
    metadata = await http.get(METADATA, headers={"Origin": origin})
    for answer in (preflight, metadata):
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
