"""The app registrations, made with stand-ins for the Azure CLI and azd that remember what they are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.core.tokens import SCOPE
from infra.hooks import entra_apps
from models.core.app_roles import APP_ROLES

OWN_TENANT, OTHER_TENANT = "72f988bf-0000-4000-8000-000000000001", "72f988bf-0000-4000-8000-000000000002"
SCRIPT = Path(entra_apps.__file__)
TOOL = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
log = pathlib.Path({log!r})
body = None
if "--body" in arguments:
    body = json.loads(pathlib.Path(arguments[arguments.index("--body") + 1].removeprefix("@")).read_text())
with log.open("a") as file:
    file.write(json.dumps({{"tool": {tool!r}, "arguments": arguments, "body": body}}) + "\\n")
if {fails}:
    sys.exit("Insufficient privileges to complete the operation.")
if {unfound} and log.read_text().count(arguments[-1]) <= {unfound}:
    sys.exit("Not Found (Request_ResourceNotFound)")
if arguments[0] == "account":
    print({own!r})
if "get" in arguments:
    print(json.dumps({{"appId": "client-of-" + arguments[arguments.index("--url") + 1].split("'")[1]}}))
"""


def run(
    folder: Path, *, fails: bool = False, unfound: int = 0, **settings: str
) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Runs the hook; gives what came of it, and the calls of `az` and `azd` in their order."""
    log = folder / "calls.jsonl"
    for tool in ("az", "azd"):
        refuses = {"fails": fails, "unfound": unfound if tool == "az" else 0}
        values = {"python": sys.executable, "log": str(log), "tool": tool, "own": OWN_TENANT} | refuses
        (folder / tool).write_text(TOOL.format(**values))
        (folder / tool).chmod(0o755)
    environment = {"PATH": str(folder), "ENTRA_RETRY_SECONDS": "0", **settings}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    return done, [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts that Windows does not run by name")


def test_both_applications_are_made_and_remembered(tmp_path: Path) -> None:
    done, calls = run(tmp_path, AZURE_ENV_NAME="trial", VIMARSH_ORIGINS='["https://chat.contoso.example"]')

    assert done.returncode == 0, done.stderr
    remembered = [call["arguments"] for call in calls if call["tool"] == "azd"]
    assert remembered == [
        ["env", "set", "ENTRA_API_CLIENT_ID", "client-of-vimarsh-api-trial"],
        ["env", "set", "ENTRA_WEB_CLIENT_ID", "client-of-vimarsh-web-trial"],
    ]
    bodies = {call["arguments"][call["arguments"].index("--url") + 1]: call["body"] for call in calls if call["body"]}
    web = bodies[f"{entra_apps.GRAPH}/applications(uniqueName='vimarsh-web-trial')"]
    assert web["spa"]["redirectUris"] == ["https://chat.contoso.example/"]
    assert web["requiredResourceAccess"][0]["resourceAppId"] == "client-of-vimarsh-api-trial"
    principals = [url for url in bodies if "servicePrincipals" in url]
    assert len(principals) == 2


def test_a_second_run_says_the_same_again(tmp_path: Path) -> None:
    _, first = run(tmp_path, AZURE_ENV_NAME="trial")
    (tmp_path / "calls.jsonl").unlink()
    _, second = run(tmp_path, AZURE_ENV_NAME="trial")

    assert [call["body"] for call in second] == [call["body"] for call in first]


def test_registrations_of_others_are_left_alone(tmp_path: Path) -> None:
    done, calls = run(tmp_path, AZURE_ENV_NAME="trial", VIMARSH_REGISTER_APPS="false")

    assert done.returncode == 0
    assert calls == []


def test_what_the_tool_complains_of_is_passed_on(tmp_path: Path) -> None:
    done, calls = run(tmp_path, fails=True, AZURE_ENV_NAME="trial")

    assert done.returncode == 1
    assert "Insufficient privileges" in done.stderr
    assert len(calls) == 1


def test_what_is_not_found_yet_is_asked_for_again(tmp_path: Path) -> None:
    done, calls = run(tmp_path, unfound=1, AZURE_ENV_NAME="trial")

    assert done.returncode == 0, done.stderr
    reads = [call["arguments"][-1] for call in calls if "get" in call["arguments"]]
    assert len(reads) == 2 * len(set(reads))


def test_what_is_never_found_ends_with_what_the_tool_says(tmp_path: Path) -> None:
    done, calls = run(tmp_path, unfound=1000, AZURE_ENV_NAME="trial")

    assert done.returncode == 1
    assert "ResourceNotFound" in done.stderr
    assert len(calls) == entra_apps.TRIES


def test_a_later_run_follows_a_change_of_origins(tmp_path: Path) -> None:
    origins = '["https://new.contoso.example"]'
    client_id = "client-of-vimarsh-api-trial"
    _, calls = run(tmp_path, AZURE_ENV_NAME="trial", ENTRA_API_CLIENT_ID=client_id, VIMARSH_ORIGINS=origins)

    [web] = [call["body"] for call in calls if call["body"] and "spa" in call["body"]]
    assert web["spa"]["redirectUris"] == ["https://new.contoso.example/"]


def test_a_wrong_setting_is_named_before_anything_is_made(tmp_path: Path) -> None:
    done, calls = run(tmp_path, AZURE_ENV_NAME="trial", VIMARSH_ORIGINS="https://chat.contoso.example")

    assert done.returncode == 1
    assert "VIMARSH_ORIGINS must be a JSON list" in done.stderr
    assert calls == []


def test_scope_and_roles_are_those_that_the_app_asks_for() -> None:
    application = entra_apps.api_application("trial", "AzureADMyOrg")

    assert [scope["value"] for scope in application["api"]["oauth2PermissionScopes"]] == [SCOPE]
    assert {role["value"] for role in application["appRoles"]} == APP_ROLES
    assert application["api"]["requestedAccessTokenVersion"] == 2


@pytest.mark.parametrize(
    ("tenants", "audience"),
    [
        ([], "AzureADMyOrg"),
        ([OWN_TENANT.upper()], "AzureADMyOrg"),
        ([OTHER_TENANT], "AzureADMultipleOrgs"),
        ([OWN_TENANT, OTHER_TENANT], "AzureADMultipleOrgs"),
    ],
)
def test_users_of_other_tenants_make_applications_for_several(
    tmp_path: Path, tenants: list[str], audience: str
) -> None:
    done, calls = run(tmp_path, AZURE_ENV_NAME="trial", VIMARSH_TENANTS=json.dumps(tenants))

    audiences = {call["body"]["signInAudience"] for call in calls if call["body"] and "signInAudience" in call["body"]}
    assert audiences == {audience}
    consents = [f"{OTHER_TENANT} consents at" in line for line in done.stdout.splitlines()]
    assert any(consents) == (OTHER_TENANT in tenants)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"VIMARSH_TENANTS": '["contoso.example"]'}, "VIMARSH_TENANTS must have the ids of tenants"),
        (
            {"VIMARSH_TENANTS": f'["{OWN_TENANT}"]', "VIMARSH_HOME_TENANTS": f'["{OTHER_TENANT}"]'},
            "VIMARSH_HOME_TENANTS must be among VIMARSH_TENANTS",
        ),
        ({"VIMARSH_TENANTS": f'["{OWN_TENANT}"]', "VIMARSH_HOME_TENANTS": '["me"]'}, "VIMARSH_HOME_TENANTS must have"),
    ],
)
def test_tenants_that_the_app_would_refuse_are_named_before_anything_is_made(
    tmp_path: Path, settings: dict[str, Any], what: str
) -> None:
    done, calls = run(tmp_path, AZURE_ENV_NAME="trial", **settings)

    assert (done.returncode, calls) == (1, [])
    assert what in done.stderr
