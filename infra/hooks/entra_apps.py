"""Makes the app registrations of Entra ID, or brings them up to date: the API, and the chat client in the browser.

Run by `azd up` before anything is deployed. Needs the Azure CLI, signed in as somebody who may register applications,
and nothing else. What it makes is found again by its `uniqueName`, so running it twice changes nothing. With
`VIMARSH_REGISTER_APPS=false` it does nothing: for where registrations are made by somebody else.

Source: https://learn.microsoft.com/graph/api/application-upsert
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

GRAPH = "https://graph.microsoft.com/v1.0"
LOGIN = "https://login.microsoftonline.com"
NAMESPACE = uuid.UUID("1c6d0a1e-5f0e-5b3c-9a55-4f3c2c6f4b60")
"""Ids of the scope and the roles are made of this and their names, so that they are the same each time."""

SCOPE = "Vimarsh.Access"
ROLES = {
    "Vimarsh.Admin": ("User", "Sees insights, and finds, suspends and deletes accounts"),
    "Vimarsh.Moderator": ("User", "Sees risk with its evidence, and moderates accounts"),
    "Vimarsh.Service": ("User", "Marks an account as a service's, whose use is not judged as a person's is"),
    "Vimarsh.Verify": ("User", "Confirms who is the guardian of a child, having seen it"),
    "Vimarsh.Import": ("Application", "Brings documents over from another system, for users of its tenants"),
    "Vimarsh.Ingest": ("Application", "Records finished turns for users of the tenants it is bound to, as a server"),
}
"""App roles: who may have them, and what they are for. Whoever administers another tenant can give them there, too: the
app heeds them in tokens of its home tenants only."""

CLAIMS = ("email", "given_name", "family_name", "idtyp")
"""What tokens are to say beside the usual, where it is known."""

TRIES = 6

USER_READ = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"


class CannotRegister(Exception):
    """A setting is wrong, or a command line tool is missing or says no; the message says which."""


def main() -> int:
    if os.environ.get("VIMARSH_REGISTER_APPS") == "false":
        print("entra: VIMARSH_REGISTER_APPS is false, so the app registrations are left as they are")
        return 0
    try:
        environment, origins, others = setting("AZURE_ENV_NAME"), listed("VIMARSH_ORIGINS"), other_tenants()
        api, web = register(environment, origins, for_others=bool(others))
        remember({"ENTRA_API_CLIENT_ID": api, "ENTRA_WEB_CLIENT_ID": web})
    except CannotRegister as reason:
        print(f"entra: {reason}", file=sys.stderr)
        return 1
    print(f"entra: API {api}, chat client {web}")
    for tenant in others:
        print(f"entra: {tenant} consents at {LOGIN}/{tenant}/adminconsent?client_id={web}")
    return 0


def setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise CannotRegister(f"{name} is not set; azd sets it")
    return value


def listed(name: str) -> list[str]:
    """A setting that is a JSON list of strings, which may be absent."""
    try:
        value = json.loads(os.environ.get(name) or "[]")
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise CannotRegister(f'{name} must be a JSON list of strings, like ["https://chat.contoso.example"]')
    return value


def other_tenants() -> list[str]:
    """The tenants whose users may sign in, but for the one that the applications are registered in.

    Raises:
        CannotRegister: a tenant is no id, or a home tenant is not among those that are allowed.
    """
    allowed = guids("VIMARSH_TENANTS", listed("VIMARSH_TENANTS"))
    if allowed and (strange := set(guids("VIMARSH_HOME_TENANTS", listed("VIMARSH_HOME_TENANTS"))) - set(allowed)):
        raise CannotRegister(f"VIMARSH_HOME_TENANTS must be among VIMARSH_TENANTS: {', '.join(sorted(strange))}")
    if not allowed:
        return []
    own = run("az", "account", "show", "--query", "tenantId", "--output", "tsv").strip().lower()
    return [tenant for tenant in allowed if tenant != own]


def guids(name: str, values: list[str]) -> list[str]:
    """A setting's values, which must be GUIDs, as tokens spell them."""
    try:
        return [str(uuid.UUID(value)) for value in values]
    except ValueError:
        raise CannotRegister(f"{name} must have the ids of tenants, which are GUIDs") from None


def register(environment: str, origins: list[str], *, for_others: bool) -> tuple[str, str]:
    """The client ids of the API and of the chat client.

    Args:
        for_others: Whether users of other tenants than the one of the registration sign in.
    """
    audience = "AzureADMultipleOrgs" if for_others else "AzureADMyOrg"
    api = upsert(f"vimarsh-api-{environment}", api_application(environment, audience))
    web = upsert(f"vimarsh-web-{environment}", web_application(environment, audience, origins, api))
    patch(f"{GRAPH}/applications(appId='{api}')", api_identity(api, web))
    for client_id, name in ((api, f"Vimarsh API ({environment})"), (web, f"Vimarsh chat ({environment})")):
        patch(f"{GRAPH}/servicePrincipals(appId='{client_id}')", {"displayName": name}, create=True)
    return api, web


def api_application(environment: str, audience: str) -> dict[str, Any]:
    """The API: its scope for users, its roles for staff and servers, tokens of version 2."""
    return {
        "displayName": f"Vimarsh API ({environment})",
        "signInAudience": audience,
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {
                    "id": id_of(SCOPE),
                    "value": SCOPE,
                    "type": "User",
                    "isEnabled": True,
                    "adminConsentDisplayName": "Use Vimarsh",
                    "adminConsentDescription": "Read and write what Vimarsh holds of the user who is signed in.",
                    "userConsentDisplayName": "Use Vimarsh",
                    "userConsentDescription": "Read and write what Vimarsh holds of you.",
                }
            ],
        },
        "appRoles": [
            {
                "id": id_of(role),
                "value": role,
                "displayName": role,
                "description": purpose,
                "allowedMemberTypes": [member],
                "isEnabled": True,
            }
            for role, (member, purpose) in ROLES.items()
        ],
        "optionalClaims": {"accessToken": [{"name": claim, "essential": False} for claim in CLAIMS]},
        "requiredResourceAccess": [
            {"resourceAppId": MICROSOFT_GRAPH, "resourceAccess": [{"id": USER_READ, "type": "Scope"}]}
        ],
    }


def web_application(environment: str, audience: str, origins: list[str], api: str) -> dict[str, Any]:
    """The chat client in the browser: no secret, the code flow with PKCE, back to any of its origins."""
    return {
        "displayName": f"Vimarsh chat ({environment})",
        "signInAudience": audience,
        "spa": {"redirectUris": [f"{origin.rstrip('/')}/" for origin in origins]},
        "requiredResourceAccess": [
            {"resourceAppId": api, "resourceAccess": [{"id": id_of(SCOPE), "type": "Scope"}]},
        ],
    }


def api_identity(api: str, web: str) -> dict[str, Any]:
    """What can be said of the API only once both exist: its URI, and that its own client needs no consent."""
    return {
        "identifierUris": [f"api://{api}"],
        "api": {"preAuthorizedApplications": [{"appId": web, "delegatedPermissionIds": [id_of(SCOPE)]}]},
    }


def id_of(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


def upsert(unique_name: str, application: dict[str, Any]) -> str:
    """Makes or changes an application, and gives its client id."""
    url = f"{GRAPH}/applications(uniqueName='{unique_name}')"
    patch(url, application, create=True)
    return str(json.loads(rest("get", f"{url}?$select=appId"))["appId"])


def patch(url: str, body: dict[str, Any], *, create: bool = False) -> None:
    """Changes what is at the URL, or makes it. The body goes by a file: shells differ in what they do to quotes."""
    headers = ["Content-Type=application/json", *(["Prefer=create-if-missing"] if create else [])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        rest("patch", url, "--headers", *headers, "--body", f"@{path}")


def rest(method: str, url: str, *more: str) -> str:
    """What Microsoft Graph answers. What was made a moment ago may not be found yet, so that is asked again."""
    for _ in range(TRIES - 1):
        try:
            return run("az", "rest", "--method", method, "--url", url, *more)
        except CannotRegister as reason:
            if "ResourceNotFound" not in str(reason):
                raise
        time.sleep(float(os.environ.get("ENTRA_RETRY_SECONDS", "3")))
    return run("az", "rest", "--method", method, "--url", url, *more)


def remember(values: dict[str, str]) -> None:
    """Puts values into the azd environment, where main.bicepparam reads them."""
    for name, value in values.items():
        run("azd", "env", "set", name, value)


def run(program: str, *arguments: str) -> str:
    """What a command prints.

    Raises:
        CannotRegister: it is not installed, or fails.
    """
    path = shutil.which(program)
    if path is None:
        raise CannotRegister(f"{program} is not installed")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CannotRegister(f"{program} {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
