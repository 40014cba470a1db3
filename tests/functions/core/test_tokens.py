"""Tokens that are not what they seem. Each is refused, and none of it depends on a setting."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.core import tokens
from local.entra.identity import API_CLIENT_ID, TENANT_ID
from local.entra.keys import signing_key
from tests.functions.calls import Headers, SignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")

Forge = Callable[..., str]
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def real(sign_in: SignIn) -> str:
    return sign_in("real@contoso.example")["Authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def claims(real: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(real, options={"verify_signature": False})
    return decoded


@pytest.fixture(scope="module")
def kid(real: str) -> str:
    name: str = jwt.get_unverified_header(real)["kid"]
    return name


@pytest.fixture(scope="module")
def issued(entra_url: str, entra_data: Path, kid: str) -> Forge:
    """Signs any claims with the issuer's own key."""
    private = signing_key(entra_data).private
    return lambda claims: jwt.encode(claims, private, algorithm="RS256", headers={"kid": kid})


@pytest.fixture(scope="module")
def signed(entra_url: str, entra_data: Path, kid: str) -> Forge:
    """The same, of claims of any type: without what the library asks of them."""
    private = signing_key(entra_data).private
    return lambda claims: jwt.PyJWS().encode(json.dumps(claims).encode(), private, "RS256", {"kid": kid})


async def public_key(entra_url: str, kid: str) -> rsa.RSAPublicKey:
    async with httpx.AsyncClient() as client:
        keys = (await client.get(f"{entra_url}/{TENANT_ID}/discovery/v2.0/keys")).json()
    key = jwt.PyJWKSet.from_dict(keys)[kid].key
    assert isinstance(key, rsa.RSAPublicKey)
    return key


async def refused(api: httpx.AsyncClient, token: str, status: int = 401) -> None:
    answer = await api.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="vimarsh", error="invalid_token"')
    assert answer.json()["status"] == status


async def test_the_real_one_is_accepted(api: httpx.AsyncClient, real: str) -> None:
    assert (await api.get("/me", headers={"Authorization": f"Bearer {real}"})).status_code == 200


class Clock:
    """The time as `functions.core.tokens` sees it, which can go on at once."""

    ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


async def test_one_that_is_valid_is_checked_once_while_it_and_its_key_last(
    api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    decode = jwt.decode

    def noting(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    clock = Clock()
    monkeypatch.setattr(jwt, "decode", noting)
    monkeypatch.setattr(tokens, "time", clock)
    short, long = (issued(claims | {"exp": int(time.time()) + seconds}) for seconds in (100, 3000))
    for _ in range(3):
        for token in (short, long):
            assert (await api.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert checked == [short, long]
    await refused(api, short[:-4] + "AAAA")

    clock.ahead = 100 + tokens.LEEWAY_SECONDS
    await api.get("/me", headers={"Authorization": f"Bearer {short}"})
    assert checked.count(short) == 2
    assert checked.count(long) == 1
    clock.ahead = tokens.CHECKED_SECONDS
    await api.get("/me", headers={"Authorization": f"Bearer {long}"})
    assert checked.count(long) == 2
    clock.ahead += tokens.KEYS_SECONDS  # the keys are fetched anew, and the token is asked of those
    await api.get("/me", headers={"Authorization": f"Bearer {long}"})
    assert checked.count(long) == 3


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_no_token_is_challenged(api: httpx.AsyncClient, header: str | None) -> None:
    answer = await api.get("/me", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_without_a_signature(api: httpx.AsyncClient, real: str, claims: dict[str, Any], kid: str) -> None:
    await refused(api, real.rsplit(".", 1)[0] + ".")
    await refused(api, jwt.encode(claims, "", algorithm="none", headers={"kid": kid}))


async def test_with_a_changed_body(api: httpx.AsyncClient, real: str, claims: dict[str, Any]) -> None:
    head, _, signature = real.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"roles": ["Vimarsh.Admin"]}).encode()).rstrip(b"=").decode()
    await refused(api, f"{head}.{body}.{signature}")


async def test_signed_with_the_public_key_as_a_secret(
    api: httpx.AsyncClient, entra_url: str, claims: dict[str, Any], kid: str
) -> None:
    pem = (await public_key(entra_url, kid)).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = base64.urlsafe_b64encode(pem).decode()  # the library refuses to sign with a bare PEM
    await refused(api, jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid}))


async def test_signed_by_a_stranger(
    api: httpx.AsyncClient, claims: dict[str, Any], kid: str, stranger: rsa.RSAPrivateKey
) -> None:
    await refused(api, jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": kid}))
    await refused(api, jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": "unknown"}))
    await refused(api, jwt.encode(claims, stranger, algorithm="RS256"))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u"])
async def test_a_key_that_the_token_brings_along(
    api: httpx.AsyncClient, claims: dict[str, Any], kid: str, stranger: rsa.RSAPrivateKey, member: str
) -> None:
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key())) | {"kid": "own"}
    value = own if member == "jwk" else "http://127.0.0.1:1/keys"
    for name in (kid, "own"):
        await refused(api, jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": name, member: value}))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"iss": f"https://sts.windows.net/{TENANT_ID}/"}, 401),
        ({"aud": "00000003-0000-0000-c000-000000000000"}, 401),
        ({"aud": f"api://{API_CLIENT_ID}"}, 401),
        ({"tid": OTHER_TENANT}, 403),
        ({"tid": "../common"}, 403),
        ({"tid": None}, 401),
        ({"exp": int(time.time()) - 3600}, 401),
        ({"nbf": int(time.time()) + 3600}, 401),
        ({"ver": "1.0"}, 401),
        ({"exp": None}, 401),
        ({"oid": None}, 403),
        ({"oid": "me"}, 403),
        ({"oid": 7}, 403),
        ({"roles": "Vimarsh.Admin"}, 403),
        ({"roles": [7]}, 403),
        ({"scp": None}, 403),
        ({"scp": "User.Read"}, 403),
        ({"scp": "Vimarsh.AccessAll"}, 403),
    ],
)
async def test_signed_by_the_issuer_but_not_for_us(
    api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    changed = {name: value for name, value in (claims | change).items() if value is not None}
    await refused(api, issued(changed), status)


async def test_an_id_token(api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any]) -> None:
    id_token = {name: value for name, value in claims.items() if name not in ("scp", "azp", "azpacr")}
    await refused(api, issued(id_token | {"aud": "3eb0c11e-0000-4000-8000-76696d617273", "nonce": "n"}))


async def test_of_another_tenant(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers: Headers = sign_in("guest@fabrikam.example", tenant=OTHER_TENANT)
    answer = await api.get("/me", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:tenant-not-allowed")


async def test_too_large(api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any]) -> None:
    await refused(api, issued(claims | {"groups": ["x" * 100] * 200}))


ODD_TIMES = [
    True,
    "1764500000",
    1e300,
    -1,
    -1e18,
    10**18,
    [],
    {},
    float("inf"),
    float("nan"),
    "soon",
    None,
    253402300800,
]


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
async def test_times_that_are_no_times(
    api: httpx.AsyncClient, signed: Forge, claims: dict[str, Any], name: str
) -> None:
    for value in ODD_TIMES:
        await refused(api, signed(claims | {name: value}))


async def test_a_time_with_a_fraction_is_a_time(api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any]) -> None:
    token = issued(claims | {"iat": claims["iat"] + 0.5})
    assert (await api.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["aud", "iss", "tid", "oid", "ver", "scp", "roles", "idtyp", "azp", "email", "preferred_username", "name", "sub"],
)
async def test_claims_of_odd_types_are_no_failure_of_ours(
    api: httpx.AsyncClient, signed: Forge, claims: dict[str, Any], name: str
) -> None:
    odd: tuple[Any, ...] = (None, True, 7, -1.5, 10**30, [], ["x", 1], {}, {"a": []}, "", "\ud800", "x" * 2000)
    for value in odd:
        answer = await api.get("/me", headers={"Authorization": f"Bearer {signed(claims | {name: value})}"})
        assert answer.status_code in (200, 401, 403), (value, answer.text)


async def test_a_header_that_is_nested_deep(api: httpx.AsyncClient) -> None:
    header = base64.urlsafe_b64encode(b'{"a":' * 2000 + b"1" + b"}" * 2000).rstrip(b"=").decode()
    await refused(api, f"{header}.e30.c2ln")


@pytest.mark.parametrize(
    "changes", [{"scp": None}, {"scp": None, "idtyp": "user"}, {"scp": None, "idtyp": True}, {"idtyp": "app"}]
)
async def test_only_what_says_that_it_is_an_application_is_one(
    api: httpx.AsyncClient, issued: Forge, claims: dict[str, Any], changes: dict[str, Any]
) -> None:
    """As of an ID token, which has a person's roles and no scope."""
    changed = claims | {"roles": ["Vimarsh.Ingest"]} | changes
    token = issued({name: value for name, value in changed.items() if value is not None})
    headers = {"Authorization": f"Bearer {token}"}
    body: dict[str, Any] = {"turns": [{}]}
    as_application = await api.post("/ingest/turns", json=body, headers=headers)
    as_person = await api.get("/me", headers=headers)
    if changes == {"idtyp": "app"}:
        assert (as_application.status_code, as_person.status_code) == (207, 403)
    else:
        assert {as_application.status_code, as_person.status_code} <= {401, 403}
