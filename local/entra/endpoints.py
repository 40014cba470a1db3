"""The issuer's endpoints: they read a request, ask the rules, and answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.entra.identity import (
    SERVER_CLIENT_ID,
    TENANT_ID,
    WEB_CLIENT_ID,
    Application,
    IdentityError,
    Person,
    checked_guid,
    checked_roles,
    make_person,
)
from local.entra.metadata import MULTI_TENANT, openid_configuration
from local.entra.oauth import (
    Grants,
    OAuthError,
    Redirects,
    UntrustedRedirectError,
    parse_authorization_request,
)
from local.entra.pages import form_post_page, message_page, sign_in_page, token_page
from local.entra.tokens import LIFETIME_SECONDS, TokenIssuer

MAXIMUM_LIFETIME_SECONDS = 30 * 86_400
_NO_STORE = {"Cache-Control": "no-store"}


LOCAL_TOKEN_FIELDS = {
    *("app", "claims", "client_id", "email", "family_name", "given_name", "lifetime_seconds", "name", "roles", "tenant")
}


class Endpoints:
    """The endpoints, over one issuer."""

    def __init__(self, tokens: TokenIssuer, redirects: Redirects) -> None:
        self._tokens = tokens
        self._redirects = redirects
        self._grants = Grants(tokens, tokens.key.sealer())

    def routes(self) -> list[Route]:
        return [
            Route("/", self.sign_in, methods=["GET", "POST"]),
            Route("/_local/health", self.health),
            Route("/_local/token", self.local_token, methods=["POST"]),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.metadata),
            Route("/{tenant}/discovery/v2.0/keys", self.keys),
            Route("/{tenant}/oauth2/v2.0/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/logout", self.logout),
        ]

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metadata(self, request: Request) -> Response:
        tenant = _tenant(request)
        issuer = self._tokens.issuer("{tenantid}" if tenant in MULTI_TENANT else tenant)
        return JSONResponse(openid_configuration(str(request.base_url).rstrip("/"), issuer, tenant))

    async def keys(self, request: Request) -> Response:
        issuer = self._tokens.issuer("{tenantid}" if _tenant(request) in MULTI_TENANT else _tenant(request))
        return JSONResponse({"keys": [self._tokens.key.jwk | {"issuer": issuer}]})

    async def sign_in(self, request: Request) -> Response:
        """The page for a developer: sign in as anybody, and copy the token."""
        explanation = "As any person you make up. The same e-mail is always the same user of the local tenant."
        if request.method == "GET":
            return HTMLResponse(sign_in_page(explanation))
        form = await request.form()
        try:
            person = _person_of(form, TENANT_ID)
        except IdentityError as problem:
            return _sign_in_again(explanation, form, problem)
        claims = self._tokens.user_claims(person, client_id=WEB_CLIENT_ID)
        return HTMLResponse(token_page(person, self._tokens.sign(claims), claims, again="/"), headers=_NO_STORE)

    async def local_token(self, request: Request) -> Response:
        """A token for whoever the JSON body names: a user by `email`, or an app with `"app": true`.

        `claims` has claims that are to be otherwise than they would be; null leaves one out.
        """
        try:
            body = json.loads(await request.body())
            claims = self._claims_of(body if isinstance(body, dict) else {})
        except IdentityError as problem:
            return JSONResponse({"error": "invalid_request", "error_description": str(problem)}, 400)
        except json.JSONDecodeError as problem:
            return JSONResponse({"error": "invalid_request", "error_description": f"not JSON: {problem}"}, 400)
        answer = {
            "access_token": self._tokens.sign(claims),
            "token_type": "Bearer",
            "expires_in": body.get("lifetime_seconds", LIFETIME_SECONDS),
            "claims": claims,
        }
        return JSONResponse(answer, headers=_NO_STORE)

    async def authorize(self, request: Request) -> Response:
        """The authorization endpoint: asks who to be, then sends the browser back with a code."""
        tenant = TENANT_ID if _tenant(request) in MULTI_TENANT else _tenant(request)
        parameters = dict(request.query_params)
        try:
            asked = parse_authorization_request(parameters, tenant, self._redirects)
        except UntrustedRedirectError as error:
            return HTMLResponse(message_page("This sign-in can't go on", error.description), 400)
        except OAuthError as error:
            fields = {"error": error.error, "error_description": error.description}
            return _back_to_client(parameters["redirect_uri"], parameters, fields)
        explanation = f"The application {asked.client_id} wants to sign you in. Be anybody you like."
        if request.method == "GET":
            return HTMLResponse(sign_in_page(explanation, email=asked.login_hint))
        form = await request.form()
        try:
            code = self._grants.issue_code(asked, _person_of(form, asked.tenant))
        except IdentityError as problem:
            return _sign_in_again(explanation, form, problem)
        return _back_to_client(asked.redirect_uri, parameters, {"code": code})

    async def token(self, request: Request) -> Response:
        tenant = TENANT_ID if _tenant(request) in MULTI_TENANT else _tenant(request)
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            answer = self._grants.redeem(tenant, form, request.headers.get("authorization"))
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return JSONResponse(body, error.status, headers=_NO_STORE)
        return JSONResponse(answer, headers=_NO_STORE)

    async def logout(self, request: Request) -> Response:
        """The end of a session; as no session is kept here, only the way back."""
        target = request.query_params.get("post_logout_redirect_uri", "")
        if target and self._redirects.allows(target):
            state = request.query_params.get("state")
            return _redirect(target, {"state": state} if state else {}, "query")
        return HTMLResponse(message_page("Signed out", "You can close this page."))

    def _claims_of(self, body: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(body.keys() - LOCAL_TOKEN_FIELDS):
            raise IdentityError(f"unknown: {', '.join(unknown)}; known are {', '.join(sorted(LOCAL_TOKEN_FIELDS))}")
        lifetime = body.get("lifetime_seconds", LIFETIME_SECONDS)
        if type(lifetime) is not int or not 1 <= lifetime <= MAXIMUM_LIFETIME_SECONDS:
            raise IdentityError(f"lifetime_seconds must be a whole number from 1 to {MAXIMUM_LIFETIME_SECONDS}")
        roles = body.get("roles")
        if roles is not None and not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
            raise IdentityError("roles must be a list of strings")
        texts = {name: body.get(name) for name in ("email", "name", "given_name", "family_name", "tenant", "client_id")}
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise IdentityError(f"{name} must be a string")
        odd = body.get("claims", {})
        if not isinstance(odd, dict):
            raise IdentityError("claims must be an object")
        claims = self._usual_claims(body, texts, roles, lifetime) | odd
        return {name: value for name, value in claims.items() if value is not None}

    def _usual_claims(
        self, body: dict[str, Any], texts: dict[str, Any], roles: list[str] | None, lifetime: int
    ) -> dict[str, Any]:
        tenant = checked_guid(texts["tenant"] or TENANT_ID, "tenant")
        if body.get("app"):
            client_id = checked_guid(texts["client_id"] or SERVER_CLIENT_ID, "client id")
            application = Application(client_id, tenant=tenant)
            if roles is not None:
                application = Application(client_id, roles=checked_roles(tuple(roles)), tenant=tenant)
            return self._tokens.app_claims(application, lifetime=lifetime)
        person = make_person(
            texts["email"] or "",
            name=texts["name"],
            given_name=texts["given_name"],
            family_name=texts["family_name"],
            roles=tuple(roles or ()),
            tenant=tenant,
        )
        return self._tokens.user_claims(person, client_id=WEB_CLIENT_ID, lifetime=lifetime)


def _tenant(request: Request) -> str:
    """The tenant in the path: a GUID, or one of the names that stand for any. Raises IdentityError."""
    tenant: str = request.path_params["tenant"]
    return tenant if tenant in MULTI_TENANT else checked_guid(tenant, "tenant")


async def bad_tenant(request: Request, error: Exception) -> Response:
    description = f"AADSTS90002: tenant not found: {error}"
    return JSONResponse({"error": "invalid_tenant", "error_description": description}, 400)


def _person_of(form: FormData, tenant: str) -> Person:
    roles = tuple(role for role in form.getlist("role") if isinstance(role, str))
    return make_person(_text(form, "email"), name=_text(form, "name").strip() or None, roles=roles, tenant=tenant)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _sign_in_again(explanation: str, form: FormData, problem: IdentityError) -> Response:
    roles = [role for role in form.getlist("role") if isinstance(role, str)]
    page = sign_in_page(
        explanation,
        email=_text(form, "email"),
        name=_text(form, "name"),
        roles=roles,
        problem=str(problem),
    )
    return HTMLResponse(page, 400)


def _back_to_client(redirect_uri: str, parameters: dict[str, str], fields: dict[str, str]) -> Response:
    if "state" in parameters:
        fields = fields | {"state": parameters["state"]}
    return _redirect(redirect_uri, fields, parameters.get("response_mode", "query"))


def _redirect(target: str, fields: dict[str, str], mode: str) -> Response:
    if mode == "form_post":
        return HTMLResponse(form_post_page(target, fields), headers=_NO_STORE)
    if mode == "fragment":
        return RedirectResponse(f"{target}#{urlencode(fields)}", 303)
    separator = "&" if "?" in target else "?"
    return RedirectResponse(f"{target}{separator}{urlencode(fields)}" if fields else target, 303)
