from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from local.entra.identity import (
    API_CLIENT_ID,
    API_URI,
    INGEST_ROLE,
    SERVER_CLIENT_ID,
    TENANT_ID,
    WEB_CLIENT_ID,
    oid_of,
)
from local.entra.oauth import GRAPH_CLIENT_ID
from tests.local.entra.conftest import Clock, Fields
from tests.local.entra.test_entra_tokens import verified

AUTHORIZE = f"/{TENANT_ID}/oauth2/v2.0/authorize"
TOKEN = f"/{TENANT_ID}/oauth2/v2.0/token"
REDIRECT = "http://localhost:3000/signed-in"
API_SCOPE = f"{API_URI}/Vimarsh.Access"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rule-of-43"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def asked(**changes: str | None) -> dict[str, str]:
    parameters: dict[str, str | None] = {
        "client_id": WEB_CLIENT_ID,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": f"openid profile offline_access {API_SCOPE}",
        "state": "state & more",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (parameters | changes).items() if value is not None}


def redemption(code: str, **changes: str | None) -> dict[str, str]:
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "client_id": WEB_CLIENT_ID,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


async def sign_in(http: httpx.AsyncClient, path: str = AUTHORIZE, /, **changes: str | None) -> httpx.Response:
    """Posts the sign-in page's form, to where the page came from."""
    return await http.post(f"{path}?{urlencode(asked(**changes))}", data={"email": "alice@contoso.example"})


async def signed_in_code(http: httpx.AsyncClient, **changes: str | None) -> str:
    answer = await sign_in(http, **changes)
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def test_the_code_flow_with_pkce_ends_in_tokens_for_the_chosen_user(http: httpx.AsyncClient) -> None:
    page = await http.get(AUTHORIZE, params=asked(login_hint="alice@contoso.example"))
    assert page.status_code == 200
    assert 'value="alice@contoso.example"' in page.text

    answer = await sign_in(http)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == REDIRECT
    returned = parse_qs(location.query)
    assert returned["state"] == ["state & more"]

    tokens = (await http.post(TOKEN, data=redemption(returned["code"][0]))).json()
    access = await verified(http, tokens["access_token"])
    assert access["oid"] == oid_of("alice@contoso.example")
    assert access["azp"] == WEB_CLIENT_ID
    assert access["scp"] == "Vimarsh.Access"
    identity = await verified(http, tokens["id_token"], audience=WEB_CLIENT_ID)
    assert identity["nonce"] == "n-1"
    assert identity["oid"] == access["oid"]
    assert identity["sub"] != access["sub"], "the subject is pairwise"
    assert tokens["scope"] == f"openid profile {API_SCOPE}"


async def test_a_chosen_role_reaches_the_token(http: httpx.AsyncClient) -> None:
    form = {"email": "alice@contoso.example", "role": ["Vimarsh.Admin", "Vimarsh.Moderator"]}
    answer = await http.post(f"{AUTHORIZE}?{urlencode(asked())}", data=form)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    tokens = (await http.post(TOKEN, data=redemption(code))).json()
    assert (await verified(http, tokens["access_token"]))["roles"] == ["Vimarsh.Admin", "Vimarsh.Moderator"]


async def test_a_code_is_good_for_one_use(http: httpx.AsyncClient) -> None:
    code = await signed_in_code(http)
    assert (await http.post(TOKEN, data=redemption(code))).status_code == 200
    again = await http.post(TOKEN, data=redemption(code))
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


async def test_a_code_expires(http: httpx.AsyncClient, clock: Clock) -> None:
    code = await signed_in_code(http)
    clock.seconds += 601
    assert (await http.post(TOKEN, data=redemption(code))).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "another-verifier-that-is-long-enough-for-it"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:3000/other"}, "invalid_grant"),
        ({"client_id": SERVER_CLIENT_ID}, "invalid_grant"),
        ({"client_id": "chat"}, "unauthorized_client"),
        ({"client_id": None}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_in_the_wrong_hands_is_refused(
    http: httpx.AsyncClient, changes: dict[str, str | None], error: str
) -> None:
    code = await signed_in_code(http)
    answer = await http.post(TOKEN, data=redemption(code, **changes))
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert "access_token" not in answer.json()


async def test_without_pkce_a_client_needs_its_secret(http: httpx.AsyncClient) -> None:
    for secret, status in ((None, 401), ("a secret", 200)):
        code = await signed_in_code(http, code_challenge=None, code_challenge_method=None)
        form = redemption(code, code_verifier=None, client_secret=secret)
        assert (await http.post(TOKEN, data=form)).status_code == status


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "carrier-pigeon"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "openid https://graph.microsoft.com/User.Read"}, "invalid_scope"),
        ({"scope": f"{API_URI}/Everything"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_a_bad_request_goes_back_to_the_client_with_its_error(
    http: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    answer = await http.get(AUTHORIZE, params=asked(**changes))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(REDIRECT)
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert returned["error"] == [error]
    assert returned["state"] == ["state & more"]


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost:3000@evil.example/",
        "https://chat.example/another",
        "javascript:alert(1)",
        "http://localhost:99999/",
        "http://localhost/#fragment",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_neither_loopback_nor_registered(
    http: httpx.AsyncClient, redirect_uri: str
) -> None:
    for answer in (
        await http.get(AUTHORIZE, params=asked(redirect_uri=redirect_uri)),
        await sign_in(http, redirect_uri=redirect_uri),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "AADSTS50011" in answer.text


@pytest.mark.parametrize(
    "redirect_uri", ["https://chat.example/signed-in", "http://127.0.0.1:4711/", "http://[::1]:1/", "http://localhost"]
)
async def test_loopback_and_registered_addresses_are_sent_back_to(http: httpx.AsyncClient, redirect_uri: str) -> None:
    answer = await sign_in(http, redirect_uri=redirect_uri)
    assert answer.headers["location"].startswith(f"{redirect_uri}?code=")


async def test_the_answer_comes_in_the_fragment_when_asked(http: httpx.AsyncClient) -> None:
    location = urlsplit((await sign_in(http, response_mode="fragment")).headers["location"])
    assert not location.query
    assert {"code", "state"} == parse_qs(location.fragment).keys()


async def test_the_answer_is_posted_by_a_form_when_asked(http: httpx.AsyncClient) -> None:
    state = '"><script>alert(1)</script>'
    page = await sign_in(http, response_mode="form_post", state=state)
    form = Fields(page.text)
    assert form.action == REDIRECT
    assert form.values["state"] == state
    assert (await http.post(TOKEN, data=redemption(form.values["code"] or ""))).status_code == 200


async def test_a_wrong_email_shows_the_form_again_with_what_was_typed(http: httpx.AsyncClient) -> None:
    typed = {"email": '"<b>nobody', "name": "N. O. Body", "role": "Vimarsh.Admin"}
    answer = await http.post(f"{AUTHORIZE}?{urlencode(asked())}", data=typed)
    assert answer.status_code == 400
    assert "<b>nobody" not in answer.text
    assert Fields(answer.text).values["email"] == '"<b>nobody'
    assert "not an e-mail address" in answer.text
    assert 'value="Vimarsh.Admin" checked' in answer.text


async def test_a_refresh_token_gives_a_new_access_token_without_signing_in(
    http: httpx.AsyncClient, clock: Clock
) -> None:
    first = (await http.post(TOKEN, data=redemption(await signed_in_code(http)))).json()
    clock.seconds += 7200
    form = {"grant_type": "refresh_token", "client_id": WEB_CLIENT_ID, "refresh_token": first["refresh_token"]}
    second = (await http.post(TOKEN, data=form)).json()
    before, after = [await verified(http, tokens["access_token"]) for tokens in (first, second)]
    assert after["iat"] == before["iat"] + 7200
    assert after["oid"] == before["oid"]
    assert after["uti"] != before["uti"]
    assert second["refresh_token"]


async def test_a_refresh_token_expires_and_belongs_to_its_client(http: httpx.AsyncClient, clock: Clock) -> None:
    kept = (await http.post(TOKEN, data=redemption(await signed_in_code(http)))).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": WEB_CLIENT_ID, "refresh_token": kept}
    stolen = await http.post(TOKEN, data=form | {"client_id": SERVER_CLIENT_ID})
    forged = await http.post(TOKEN, data=form | {"refresh_token": "gAAAAA"})
    clock.seconds += 91 * 86_400
    late = await http.post(TOKEN, data=form)
    assert [answer.json()["error"] for answer in (stolen, forged, late)] == ["invalid_grant"] * 3


async def test_a_refresh_token_is_given_only_for_offline_access(http: httpx.AsyncClient) -> None:
    tokens = (await http.post(TOKEN, data=redemption(await signed_in_code(http, scope=API_SCOPE)))).json()
    assert "refresh_token" not in tokens
    assert "id_token" not in tokens


async def test_without_an_api_scope_the_token_is_not_for_our_api(http: httpx.AsyncClient) -> None:
    tokens = (await http.post(TOKEN, data=redemption(await signed_in_code(http, scope="openid email")))).json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["aud"] == GRAPH_CLIENT_ID != API_CLIENT_ID
    assert "Vimarsh.Access" not in claims["scp"]


@pytest.mark.parametrize("by_header", [True, False])
async def test_client_credentials_give_an_app_only_token(http: httpx.AsyncClient, by_header: bool) -> None:
    form = {"grant_type": "client_credentials", "scope": f"{API_URI}/.default"}
    credentials = {"client_id": SERVER_CLIENT_ID, "client_secret": "a:secret"}
    if by_header:
        answer = await http.post(TOKEN, data=form, auth=(SERVER_CLIENT_ID, "a:secret"))
    else:
        answer = await http.post(TOKEN, data=form | credentials)
    claims = await verified(http, answer.json()["access_token"])
    assert claims["roles"] == [INGEST_ROLE]
    assert claims["azp"] == SERVER_CLIENT_ID
    assert claims["idtyp"] == "app"
    assert "scp" not in claims
    assert {"refresh_token", "id_token"}.isdisjoint(answer.json())


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"scope": API_SCOPE}, 400, "invalid_scope"),
        ({"scope": f"{API_URI}/.default openid"}, 400, "invalid_scope"),
    ],
)
async def test_client_credentials_need_a_secret_and_the_default_scope(
    http: httpx.AsyncClient, changes: dict[str, str], status: int, error: str
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": SERVER_CLIENT_ID,
        "client_secret": "s",
        "scope": f"{API_URI}/.default",
    }
    answer = await http.post(TOKEN, data=form | changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_broken_authorization_header_is_an_invalid_client(http: httpx.AsyncClient) -> None:
    answer = await http.post(TOKEN, data={"grant_type": "client_credentials"}, headers={"Authorization": "Basic %%%"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_signing_in_by_common_ends_in_the_local_tenant(http: httpx.AsyncClient) -> None:
    answer = await sign_in(http, "/common/oauth2/v2.0/authorize")
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    tokens = (await http.post("/common/oauth2/v2.0/token", data=redemption(code))).json()
    assert (await verified(http, tokens["access_token"]))["tid"] == TENANT_ID


async def test_logout_goes_back_only_where_sign_in_may(http: httpx.AsyncClient) -> None:
    logout = f"/{TENANT_ID}/oauth2/v2.0/logout"
    back = await http.get(logout, params={"post_logout_redirect_uri": REDIRECT, "state": "s"})
    away = await http.get(logout, params={"post_logout_redirect_uri": "https://evil.example/"})
    assert back.headers["location"] == f"{REDIRECT}?state=s"
    assert "location" not in away.headers


async def test_the_page_signs_in_as_anybody_and_shows_a_valid_token(http: httpx.AsyncClient) -> None:
    assert "Vimarsh.Admin" in (await http.get("/")).text
    page = await http.post("/", data={"email": "eve@contoso.example", "name": "<i>Eve</i>", "role": "Vimarsh.Admin"})
    assert page.status_code == 200
    assert "<i>" not in page.text
    token = page.text.split('<pre id="token" tabindex="0">')[1].split("</pre>")[0]
    claims = await verified(http, token)
    assert claims["name"] == "<i>Eve</i>"
    assert claims["roles"] == ["Vimarsh.Admin"]
    assert page.headers["cache-control"] == "no-store"
