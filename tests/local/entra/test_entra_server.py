from __future__ import annotations

import asyncio
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import msal  # type: ignore[import-untyped]
import pytest

from local.entra.identity import API_CLIENT_ID, API_URI, SERVER_CLIENT_ID, TENANT_ID, WEB_CLIENT_ID, oid_of
from local.entra.keys import signing_key, tls_files
from local.entra.server import create_app, listen, serve_in_thread
from tests.local.entra.conftest import Fields

SCOPE = f"{API_URI}/Vimarsh.Access"
DEFAULT_SCOPE = f"{API_URI}/.default"


@dataclass(frozen=True)
class Secured:
    """An issuer that is reached by HTTP and by HTTPS."""

    url: str
    tls_url: str
    certificate: str

    @property
    def authority(self) -> str:
        return f"{self.tls_url}/{TENANT_ID}"

    def claims(self, token: str, audience: str = API_CLIENT_ID) -> dict[str, object]:
        """Verified with keys fetched over plain HTTP, as the local function app does."""
        jwks = jwt.PyJWKSet.from_dict(httpx.get(f"{self.url}/{TENANT_ID}/discovery/v2.0/keys").json())
        key = jwks[jwt.get_unverified_header(token)["kid"]]
        issuer = f"{self.url}/{TENANT_ID}/v2.0"
        claims: dict[str, object] = jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, issuer=issuer)
        return claims


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    data = tmp_path_factory.mktemp("entra")
    tls = tls_files(data)
    with serve_in_thread(data=data) as url:
        app = create_app(url, signing_key(data))
        with serve_in_thread(app=app, tls=tls) as tls_url:
            yield Secured(url, tls_url, str(tls[0]))


@pytest.fixture(autouse=True)
def no_other_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """In requests, which MSAL uses, these variables win over `verify`."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def test_msal_gets_an_app_only_token(secured: Secured) -> None:
    client = msal.ConfidentialClientApplication(
        SERVER_CLIENT_ID,
        client_credential="any secret",
        authority=secured.authority,
        instance_discovery=False,
        verify=secured.certificate,
    )
    first = client.acquire_token_for_client([DEFAULT_SCOPE])
    again = client.acquire_token_for_client([DEFAULT_SCOPE])
    assert secured.claims(first["access_token"])["roles"] == ["Vimarsh.Ingest"]
    assert again["access_token"] == first["access_token"]
    assert again["token_source"] == "cache"


def test_msal_signs_a_user_in_by_the_code_flow_and_refreshes(secured: Secured) -> None:
    client = msal.PublicClientApplication(
        WEB_CLIENT_ID, authority=secured.authority, instance_discovery=False, verify=secured.certificate
    )
    flow = client.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:5000/", response_mode="form_post")
    form = {"email": "alice@contoso.example", "role": "Vimarsh.Admin"}
    with httpx.Client(verify=_trusting(secured.certificate)) as browser:
        back = Fields(browser.post(flow["auth_uri"], data=form).text)
    assert back.action == "http://localhost:5000/"
    tokens = client.acquire_token_by_auth_code_flow(flow, back.values)
    assert "error" not in tokens, tokens
    assert tokens["id_token_claims"]["name"] == "Alice Contoso"
    assert secured.claims(tokens["access_token"])["roles"] == ["Vimarsh.Admin"]

    (account,) = client.get_accounts()
    assert account["username"] == "alice@contoso.example"
    assert account["home_account_id"] == f"{oid_of('alice@contoso.example')}.{TENANT_ID}"
    kept = client.acquire_token_silent([SCOPE], account)
    refreshed = client.acquire_token_silent([SCOPE], account, force_refresh=True)
    assert kept["access_token"] == tokens["access_token"]
    assert refreshed["token_source"] == "identity_provider"
    assert secured.claims(refreshed["access_token"])["oid"] == oid_of("alice@contoso.example")


def test_msal_reports_a_refused_scope(secured: Secured) -> None:
    client = msal.ConfidentialClientApplication(
        SERVER_CLIENT_ID,
        client_credential="any secret",
        authority=secured.authority,
        instance_discovery=False,
        verify=secured.certificate,
    )
    answer = client.acquire_token_for_client([SCOPE])
    assert answer["error"] == "invalid_scope"


def test_pyjwt_finds_the_key_of_a_token(secured: Secured) -> None:
    token = httpx.post(f"{secured.url}/_local/token", json={"email": "a@b.example"}).json()["access_token"]
    client = jwt.PyJWKClient(f"{secured.url}/{TENANT_ID}/discovery/v2.0/keys")
    key = client.get_signing_key_from_jwt(token)
    assert jwt.decode(token, key, algorithms=["RS256"], audience=API_CLIENT_ID)["tid"] == TENANT_ID


def test_metadata_leads_on_to_the_same_scheme_and_names_one_issuer(secured: Secured) -> None:
    path = f"/{TENANT_ID}/v2.0/.well-known/openid-configuration"
    plain = httpx.get(f"{secured.url}{path}").json()
    tls = httpx.get(f"{secured.tls_url}{path}", verify=_trusting(secured.certificate)).json()
    assert plain["issuer"] == tls["issuer"]
    assert plain["token_endpoint"].startswith(secured.url)
    assert tls["token_endpoint"].startswith(secured.tls_url)


def test_keys_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    first, second = signing_key(folder), signing_key(folder)
    assert first.kid == second.kid
    assert first.kid != signing_key(None).kid
    assert tls_files(folder) == tls_files(folder)
    for name in ("signing-key.pem", "tls-key.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_a_token_outlives_a_restart(tmp_path: Path) -> None:
    with serve_in_thread(data=tmp_path) as url:
        token = httpx.post(f"{url}/_local/token", json={"email": "a@b.example"}).json()["access_token"]
    with serve_in_thread(data=tmp_path) as url:
        keys = jwt.PyJWKSet.from_dict(httpx.get(f"{url}/{TENANT_ID}/discovery/v2.0/keys").json())
    kid = jwt.get_unverified_header(token)["kid"]
    assert jwt.decode(token, keys[kid].key, algorithms=["RS256"], audience=API_CLIENT_ID)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.entra", "--port", "0", "--data", str(tmp_path), "--tls", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        tls_line, line = process.stdout.readline(), process.stdout.readline()
        url = line.split()[1].rstrip("/")
        assert httpx.get(f"{url}/_local/health").json() == {"status": "ok"}
        assert str(tmp_path / "tls-certificate.pem") in tls_line
        tls_url = httpx.URL(tls_line.split()[1]).copy_with(path="/_local/health")
        assert httpx.get(tls_url, verify=_trusting(str(tmp_path / "tls-certificate.pem"))).status_code == 200
        process.terminate()
        assert process.wait(20) == 0


def test_the_command_names_a_port_that_is_taken(tmp_path: Path) -> None:
    with serve_in_thread() as url:
        port = str(httpx.URL(url).port)
        command = [sys.executable, "-m", "local.entra", "--port", port, "--data", str(tmp_path)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 1
    assert "can't start" in finished.stderr
    assert "Traceback" not in finished.stderr


async def test_an_accepted_connection_does_not_wait_to_fill_its_packets() -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = listen(0)
    async with await asyncio.start_server(on_connection, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()


def _trusting(certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    return context
