"""The profile is filled from Microsoft Graph: MSAL as it is, against an issuer and a Graph of our own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from cosmos.core.database import connect
from functions.accounts.graph import MAX_PHOTO_BYTES, Graph, GraphUnavailable
from functions.composition import services
from functions.core.settings import SettingsError, read_settings
from local.entra.identity import TENANT_ID
from tests.functions.calls import Headers, SignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOGIN = "https://login.microsoftonline.com"


@dataclass
class Answer:
    """A response in the form that MSAL reads."""

    content: dict[str, Any]
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(self.content)

    def raise_for_status(self) -> None:
        assert self.status_code < 400


@dataclass
class Issuer:
    """The token endpoint, in the form of an HTTP client for MSAL."""

    refuses: str | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)

    def get(self, url: str, **_: Any) -> Answer:
        assert url.startswith(f"{LOGIN}/{TENANT_ID}/v2.0/.well-known/openid-configuration"), url
        base = f"{LOGIN}/{TENANT_ID}"
        return Answer(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    def post(self, url: str, data: dict[str, Any], **_: Any) -> Answer:
        assert url == f"{LOGIN}/{TENANT_ID}/oauth2/v2.0/token"
        self.requests.append(data)
        if self.refuses:
            return Answer({"error": self.refuses, "error_description": "of alice@contoso.example"}, 400)
        return Answer({"access_token": "graph-token", "token_type": "Bearer", "expires_in": 3600})

    def close(self) -> None:
        return


@dataclass
class Directory:
    """Microsoft Graph, for one user."""

    user: dict[str, Any] = field(default_factory=dict)
    photo: bytes | None = None
    photo_type: str = "image/jpeg"
    status: int = 200
    hangs: bool = False
    asked: int = 0

    async def me(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer graph-token"
        assert request.query["$select"] == "jobTitle,companyName,preferredLanguage"
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        return web.json_response(self.user, status=self.status)

    async def thumbnail(self, request: web.Request) -> web.Response:
        if self.photo is None:
            return web.json_response({"error": {"code": "ImageNotFound"}}, status=404)
        return web.Response(body=self.photo, content_type=self.photo_type)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def directory() -> Directory:
    return Directory({"jobTitle": "Librarian", "companyName": "Contoso", "preferredLanguage": "hi-IN", "id": "x"})


@pytest_asyncio.fixture(loop_scope="session")
async def graph_url(directory: Directory) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1.0/me", directory.me)
    app.router.add_get("/v1.0/me/photos/48x48/$value", directory.thumbnail)
    async with TestServer(app, shutdown_timeout=0) as server:
        yield str(server.make_url("/v1.0"))


@pytest.fixture
def graph(settings: dict[str, str], issuer: Issuer, graph_url: str) -> Graph:
    changes = {"graph_url": graph_url, "entra_issuer": f"{LOGIN}/{{tenantid}}/v2.0"}
    return Graph(read_settings().model_copy(update=changes), "the secret", issuer)


@pytest.fixture
def connected(api: httpx.AsyncClient, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    """The app, as if the credential were configured."""
    monkeypatch.setitem(services().parts, Graph, graph)
    return api


async def me(api: httpx.AsyncClient, headers: Headers) -> dict[str, Any]:
    answer = await api.get("/me", headers=headers)
    assert answer.status_code == 200, answer.text
    profile: dict[str, Any] = answer.json()
    return profile


async def some_time_passes(settings: dict[str, str], profile: dict[str, Any], time: timedelta) -> None:
    """Moves when the directory was asked into the past."""
    moved = {}
    for name in ("graph_attempted_at", "graph_synced_at"):
        if profile[name]:
            earlier = datetime.fromisoformat(profile[name]) - time
            moved[name] = earlier.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    async with connect(settings["COSMOS"]) as client:
        users = client.get_database_client("vimarsh").get_container_client("users")
        operations = [{"op": "set", "path": f"/{name}", "value": value} for name, value in moved.items()]
        await users.patch_item(profile["id"], profile["id"], operations)


async def test_the_first_sign_in_fills_the_profile_on_behalf_of_the_user(
    connected: httpx.AsyncClient, alice: Headers, issuer: Issuer, directory: Directory, graph_url: str
) -> None:
    directory.photo = b"\xff\xd8\xff small"
    profile = await me(connected, alice)
    assert (profile["job_title"], profile["company_name"]) == ("Librarian", "Contoso")
    assert profile["preferred_language"] == "hi-IN"
    picture = base64.b64encode(directory.photo).decode()
    assert profile["profile_picture_url"] == f"data:image/jpeg;base64,{picture}"
    (request,) = issuer.requests
    assert request["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert request["requested_token_use"] == "on_behalf_of"
    assert request["assertion"] == alice["Authorization"].removeprefix("Bearer ")
    assert request["client_secret"] == "the secret"
    assert graph_url.replace("/v1.0", "/User.Read") in request["scope"]


async def test_of_many_sign_ins_one_asks(
    connected: httpx.AsyncClient, alice: Headers, directory: Directory, settings: dict[str, str]
) -> None:
    await asyncio.gather(*(me(connected, alice) for _ in range(8)))
    profile = await me(connected, alice)
    assert (directory.asked, profile["job_title"]) == (1, "Librarian")
    directory.user |= {"jobTitle": "Head librarian", "preferredLanguage": "fr"}
    await some_time_passes(settings, profile, timedelta(days=1))
    again = await me(connected, alice)
    assert (directory.asked, again["job_title"], again["preferred_language"]) == (2, "Head librarian", "hi-IN")
    assert again["revision"] == profile["revision"] + 1


async def test_a_refusal_does_not_fail_the_sign_in_and_is_tried_again_later(
    connected: httpx.AsyncClient,
    alice: Headers,
    sign_in: SignIn,
    an_email: str,
    issuer: Issuer,
    settings: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    issuer.refuses = "interaction_required"
    for _ in range(2):
        profile = await me(connected, alice)
        assert (profile["job_title"], profile["graph_synced_at"]) == (None, None)
    assert len(issuer.requests) == 1
    assert "interaction_required" in caplog.text
    assert "alice@contoso.example" not in caplog.text
    issuer.refuses = None
    await some_time_passes(settings, await me(connected, alice), timedelta(hours=1))
    later = sign_in(an_email)  # MSAL does not repeat at once what has just been refused
    assert (await me(connected, later))["job_title"] == "Librarian"


async def test_a_graph_that_fails_does_not_fail_the_sign_in(
    connected: httpx.AsyncClient, alice: Headers, directory: Directory
) -> None:
    directory.status = 500
    assert (await me(connected, alice))["job_title"] is None


async def test_a_graph_that_hangs_does_not_hold_up_the_sign_in(
    connected: httpx.AsyncClient, alice: Headers, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.accounts.graph.LIMIT_SECONDS", 0.1)
    directory.hangs = True
    assert (await me(connected, alice))["job_title"] is None


@pytest.mark.parametrize(
    ("photo", "photo_type"),
    [(None, ""), (b"x" * (MAX_PHOTO_BYTES + 1), "image/jpeg"), (b"<svg/>", "image/svg+xml")],
    ids=["none", "too large", "not a photo"],
)
async def test_a_photo_that_can_not_be_kept_is_left_out(
    graph: Graph, directory: Directory, photo: bytes | None, photo_type: str
) -> None:
    directory.photo, directory.photo_type = photo, photo_type
    entry = await graph.entry(TENANT_ID, "token")
    assert (entry.profile_picture_url, entry.job_title) == (None, "Librarian")


async def test_what_graph_says_is_bounded(graph: Graph, directory: Directory) -> None:
    directory.user = {"jobTitle": "x" * 1000, "companyName": None, "preferredLanguage": "not a language"}
    entry = await graph.entry(TENANT_ID, "token")
    assert (entry.job_title, entry.company_name, entry.preferred_language) == ("x" * 256, None, None)


@pytest.mark.parametrize("answer", [[], {"jobTitle": 7}], ids=["a list", "a number"])
async def test_an_answer_that_is_none_is_refused(graph: Graph, directory: Directory, answer: Any) -> None:
    directory.user = answer
    with pytest.raises(GraphUnavailable, match="ValidationError"):
        await graph.entry(TENANT_ID, "token")


async def test_an_issuer_without_tls_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(GraphUnavailable, match="ValueError"):
        await Graph(read_settings(), "the secret").entry(TENANT_ID, "token")


def a_certificate() -> tuple[str, str]:
    """A private key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vimarsh")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_certificate_signs_the_request(
    settings: dict[str, str], issuer: Issuer, graph_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = a_certificate()
    changes = {
        "graph_url": graph_url,
        "entra_issuer": f"{LOGIN}/{{tenantid}}/v2.0",
        "graph_client_id": "55555555-5555-4555-8555-555555555555",
        "graph_client_certificate": SecretStr(certificate + key),
    }
    graph = Graph.configured(read_settings().model_copy(update=changes))
    assert graph is not None
    monkeypatch.setattr(graph._tokens, "_http_client", issuer)
    assert (await graph.entry(TENANT_ID, "token")).company_name == "Contoso"
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    audience = f"{LOGIN}/{TENANT_ID}/oauth2/v2.0/token"
    claims = jwt.decode(issuer.requests[0]["client_assertion"], public, algorithms=["PS256"], audience=audience)
    assert claims["iss"] == "55555555-5555-4555-8555-555555555555"


async def test_without_a_credential_nothing_is_asked(api: httpx.AsyncClient, alice: Headers) -> None:
    assert services().get(Graph) is None
    assert (await me(api, alice))["graph_attempted_at"] is None


async def test_a_secret_is_enough(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_CLIENT_SECRET", "the secret")
    assert Graph.configured(read_settings()) is not None


@pytest.mark.parametrize("part", [0, 1])
async def test_half_a_certificate_stops_the_start(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setenv("GRAPH_CLIENT_CERTIFICATE", a_certificate()[part])
    with pytest.raises(SettingsError, match=r"GRAPH_CLIENT_CERTIFICATE: .*its certificate"):
        read_settings()
