"""OAuth 2.0 as Entra v2.0 speaks it: authorization code with PKCE, refresh token, client credentials.

Sources: RFC 6749, RFC 7636 (PKCE), RFC 8252 (loopback redirects) and OpenID Connect Core 1.0. What differs from Entra:
any GUID is an app registration, any secret that is not empty is its secret, and consent is given.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import unquote_plus, urlsplit

from cryptography.fernet import Fernet, InvalidToken

from local.entra.identity import API_CLIENT_ID, API_URI, USER_SCOPE, Application, IdentityError, Person, checked_guid
from local.entra.tokens import LIFETIME_SECONDS, NO_AUTHENTICATION, SECRET_AUTHENTICATION, TokenIssuer

CODE_SECONDS = 600
REFRESH_SECONDS = 90 * 86_400
GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph: the audience of a token for which no API's scope was asked, so that no other API accepts it."""
OIDC_SCOPES = ("openid", "profile", "email", "offline_access")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class OAuthError(Exception):
    """A request that is refused: `error` is RFC 6749's code, the message begins with Entra's AADSTS number."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class UntrustedRedirectError(OAuthError):
    """A request whose client or redirect can't be trusted: it must be answered here and never be sent there."""


@dataclass(frozen=True)
class Scopes:
    """What was asked for, split: the OpenID Connect scopes, and our API's (with the prefix it was asked by)."""

    openid: tuple[str, ...]
    api: tuple[str, ...]

    @property
    def granted(self) -> str:
        """The `scope` of the answer. `.default` means everything, so the scope behind it is named as well."""
        named = tuple(f"{scope.rpartition('/')[0]}/{USER_SCOPE}" for scope in self.api)
        return " ".join(dict.fromkeys([*(s for s in self.openid if s != "offline_access"), *named, *self.api]))


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked request to the authorization endpoint."""

    tenant: str
    client_id: str
    redirect_uri: str
    scope: str
    response_mode: str
    state: str | None
    nonce: str | None
    code_challenge: str | None
    login_hint: str


@dataclass(frozen=True)
class _IssuedCode:
    request: AuthorizationRequest
    person: Person
    expires_at: float


class Redirects:
    """Where a browser may be sent back to: loopback on any port, and the addresses that were registered."""

    def __init__(self, registered: tuple[str, ...] = ()) -> None:
        self._registered = frozenset(registered)
        self.origins = frozenset(f"{urlsplit(uri).scheme}://{urlsplit(uri).netloc}" for uri in registered)

    def allows(self, uri: str) -> bool:
        if uri in self._registered:
            return True
        try:
            parts = urlsplit(uri)
            return (
                parts.scheme in ("http", "https")
                and parts.hostname in LOOPBACK_HOSTS
                and not parts.username
                and not parts.fragment
                and (parts.port is None or parts.port > 0)
            )
        except ValueError:  # such as a port out of range
            return False


def parse_scopes(text: str) -> Scopes:
    """Raises OAuthError for a scope of an API that does not exist here."""
    openid, api = [], []
    for scope in dict.fromkeys(text.split()):
        resource, _, name = scope.rpartition("/")
        if scope in OIDC_SCOPES:
            openid.append(scope)
        elif resource in (API_URI, API_CLIENT_ID) and name in (USER_SCOPE, ".default"):
            api.append(scope)
        else:
            raise OAuthError(
                "invalid_scope",
                f"AADSTS70011: the scope {scope} is not valid here; the API's is {API_URI}/{USER_SCOPE}",
            )
    return Scopes(tuple(openid), tuple(api))


def parse_authorization_request(
    parameters: Mapping[str, str], tenant: str, redirects: Redirects
) -> AuthorizationRequest:
    """Raises UntrustedRedirectError (tell the person), or OAuthError (send it back to the client)."""
    redirect_uri = parameters.get("redirect_uri", "")
    client_id = _checked_client(parameters.get("client_id", ""), UntrustedRedirectError)
    if not redirects.allows(redirect_uri):
        raise UntrustedRedirectError(
            "invalid_request",
            f"AADSTS50011: the redirect URI {redirect_uri!r} is neither loopback nor registered (--redirect-uri)",
        )
    if parameters.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "AADSTS700054: response_type must be 'code'")
    if parameters.get("response_mode", "query") not in ("query", "fragment", "form_post"):
        raise OAuthError("invalid_request", "AADSTS90023: response_mode must be query, fragment or form_post")
    if parameters.get("prompt") == "none":
        raise OAuthError("login_required", "AADSTS50058: nobody is signed in, and prompt=none forbids to ask")
    scope = parameters.get("scope", "")
    if not parse_scopes(scope).openid and not parse_scopes(scope).api:
        raise OAuthError("invalid_request", "AADSTS900144: the request must contain the parameter 'scope'")
    challenge = parameters.get("code_challenge") or None
    if challenge and parameters.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "AADSTS501491: code_challenge_method must be S256")
    if challenge and not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "AADSTS501491: code_challenge is not a base64url SHA-256 digest")
    return AuthorizationRequest(
        tenant=tenant,
        client_id=client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        response_mode=parameters.get("response_mode", "query"),
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        code_challenge=challenge,
        login_hint=parameters.get("login_hint", ""),
    )


class Grants:
    """The token endpoint's memory: codes wait in the process, refresh tokens are sealed and carry all they need."""

    def __init__(self, tokens: TokenIssuer, sealer: Fernet) -> None:
        self._tokens = tokens
        self._sealer = sealer
        self._codes: dict[str, _IssuedCode] = {}

    def issue_code(self, request: AuthorizationRequest, person: Person) -> str:
        """An authorization code for one use within `CODE_SECONDS`."""
        now = self._tokens.now()
        self._codes = {code: issued for code, issued in self._codes.items() if issued.expires_at > now}
        code = f"1.{secrets.token_urlsafe(48)}"
        self._codes[code] = _IssuedCode(request, person, now + CODE_SECONDS)
        return code

    def redeem(self, tenant: str, form: Mapping[str, str], authorization: str | None) -> dict[str, object]:
        """The token endpoint's answer to a form. Raises OAuthError."""
        client_id, secret = _client_credentials(form, authorization)
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem_code(form, client_id, secret)
            case "refresh_token":
                return self._redeem_refresh_token(form, client_id, secret)
            case "client_credentials":
                return self._redeem_credentials(tenant, form, client_id, secret)
            case other:
                raise OAuthError("unsupported_grant_type", f"AADSTS70003: the grant type {other!r} is not supported")

    def _redeem_code(self, form: Mapping[str, str], client_id: str, secret: str) -> dict[str, object]:
        issued = self._codes.pop(form.get("code", ""), None)
        if issued is None or issued.expires_at <= self._tokens.now():
            raise OAuthError(
                "invalid_grant", "AADSTS70008: the authorization code is unknown, has expired or was redeemed already"
            )
        request = issued.request
        if client_id != request.client_id:
            raise OAuthError("invalid_grant", "AADSTS700005: the authorization code was issued to another client")
        if form.get("redirect_uri") != request.redirect_uri:
            raise OAuthError("invalid_grant", "AADSTS500112: the redirect URI is not the one the code was issued for")
        _check_proof(request.code_challenge, form.get("code_verifier"), secret)
        scopes = parse_scopes(form.get("scope") or request.scope)
        return self._answer(issued.person, client_id, secret, scopes, nonce=request.nonce)

    def _redeem_refresh_token(self, form: Mapping[str, str], client_id: str, secret: str) -> dict[str, object]:
        try:
            opened = self._sealer.decrypt_at_time(
                form.get("refresh_token", "").encode(), ttl=REFRESH_SECONDS, current_time=int(self._tokens.now())
            )
        except InvalidToken:
            raise OAuthError("invalid_grant", "AADSTS700082: the refresh token is not valid or has expired") from None
        kept = json.loads(opened)
        if kept["client_id"] != client_id:
            raise OAuthError("invalid_grant", "AADSTS700005: the refresh token was issued to another client")
        person = Person(**(kept["person"] | {"roles": tuple(kept["person"]["roles"])}))
        return self._answer(person, client_id, secret, parse_scopes(form.get("scope") or kept["scope"]), nonce=None)

    def _redeem_credentials(
        self, tenant: str, form: Mapping[str, str], client_id: str, secret: str
    ) -> dict[str, object]:
        if not secret:
            raise OAuthError("invalid_client", "AADSTS7000218: the request must contain 'client_secret'", status=401)
        if form.get("scope") not in (f"{API_URI}/.default", f"{API_CLIENT_ID}/.default"):
            raise OAuthError(
                "invalid_scope", f"AADSTS1002012: client credentials need the scope {API_URI}/.default, and no other"
            )
        application = Application(client_id=client_id, tenant=tenant)
        token = self._tokens.sign(self._tokens.app_claims(application))
        return {
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "ext_expires_in": LIFETIME_SECONDS,
            "access_token": token,
        }

    def _answer(
        self, person: Person, client_id: str, secret: str, scopes: Scopes, nonce: str | None
    ) -> dict[str, object]:
        claims = self._tokens.user_claims(
            person,
            client_id=client_id,
            audience=API_CLIENT_ID if scopes.api else GRAPH_CLIENT_ID,
            scopes=USER_SCOPE if scopes.api else " ".join(scopes.openid),
            client_authentication=SECRET_AUTHENTICATION if secret else NO_AUTHENTICATION,
        )
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "scope": scopes.granted,
            "expires_in": LIFETIME_SECONDS,
            "ext_expires_in": LIFETIME_SECONDS,
            "access_token": self._tokens.sign(claims),
            "client_info": _base64url_json({"uid": person.oid, "utid": person.tenant}),
        }
        if "openid" in scopes.openid:
            id_claims = self._tokens.id_claims(person, client_id=client_id, nonce=nonce)
            answer["id_token"] = self._tokens.sign(id_claims)
        if "offline_access" in scopes.openid:
            answer["refresh_token"] = self._refresh_token(person, client_id, scopes)
        return answer

    def _refresh_token(self, person: Person, client_id: str, scopes: Scopes) -> str:
        kept = {"client_id": client_id, "person": asdict(person), "scope": " ".join([*scopes.openid, *scopes.api])}
        return self._sealer.encrypt_at_time(json.dumps(kept).encode(), int(self._tokens.now())).decode()


def _check_proof(challenge: str | None, verifier: str | None, secret: str) -> None:
    """PKCE where the code was asked for with it; else the client has to have a secret."""
    if challenge is None:
        if not secret:
            raise OAuthError("invalid_client", "AADSTS7000218: without PKCE the client needs 'client_secret'", 401)
        return
    digest = hashlib.sha256((verifier or "").encode()).digest()
    expected = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(expected, challenge):
        raise OAuthError("invalid_grant", "AADSTS501481: the code_verifier does not match the code_challenge")


def _client_credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """(client id, secret or empty) from HTTP Basic or from the form. Raises OAuthError."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return _checked_client(form.get("client_id", ""), OAuthError), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "AADSTS7000216: the Authorization header is not HTTP Basic", 401) from None
    return _checked_client(unquote_plus(client_id), OAuthError), unquote_plus(secret)


def _checked_client(client_id: str, error: type[OAuthError]) -> str:
    try:
        return checked_guid(client_id, "client_id")
    except IdentityError as reason:
        raise error("unauthorized_client", f"AADSTS700016: no such application: {reason}") from None


def _base64url_json(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
