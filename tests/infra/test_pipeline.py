"""What surrounds the Bicep files: azd, GitHub Actions, the emulators, VS Code. Each names things that must exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.core.settings import Settings
from models.jobs.heartbeat import FEEDS
from tests.infra import schemas

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
README = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
PARAMETERS = (ROOT / "infra" / "main.bicepparam").read_text(encoding="utf-8")
READ = set(re.findall(r"readEnvironmentVariable\('(\w+)'", PARAMETERS))
"""The environment variables that the deployment reads."""


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in loaded(workflow)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_jobs_end(path: Path) -> None:
    workflow = loaded(path)

    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", action)] == []
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert workflow["permissions"]["contents"] == "read"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_keep_no_secrets_and_run_nothing_from_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


def test_ci_runs_what_a_developer_runs_on_every_python() -> None:
    job = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]

    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert job["steps"][-1]["run"] == "make test"


def test_the_deployment_gets_every_variable_that_it_reads() -> None:
    deploy = loaded(ROOT / ".github" / "workflows" / "deploy.yml")

    assert deploy["permissions"]["id-token"] == "write"
    assert set(deploy["jobs"]["deploy"]["env"]) >= READ
    assert [name for name in sorted(READ) if f"`{name}`" not in README] == []


def test_ci_builds_parameters_with_those_that_have_no_default() -> None:
    needed = set(re.findall(r"readEnvironmentVariable\('(\w+)'\)", PARAMETERS))

    assert needed == {"AZURE_ENV_NAME", "AZURE_LOCATION"}  # which azd asks for before it does anything
    assert set(steps(ROOT / ".github" / "workflows" / "ci.yml")[-1]["env"]) == needed


def test_azd_finds_its_app_and_its_hook() -> None:
    project = loaded(ROOT / "azure.yaml")

    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()
    [(name, service)] = project["services"].items()
    assert (ROOT / service["project"] / "function_app.py").is_file()
    assert f"'azd-service-name': '{name}'" in (ROOT / "infra" / "modules" / "app.bicep").read_text(encoding="utf-8")
    for platform in [each for hook in project["hooks"].values() for each in hook.values()]:
        assert (ROOT / platform["run"].split()[-1]).is_file()


def test_only_the_app_is_deployed() -> None:
    ignored = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()

    assert {"infra/", "tests/", "local/", "bench/", "azure.yaml", "local.settings*.json", ".azure/"} <= set(ignored)
    assert not {"functions/", "models/", "cosmos/", "function_app.py", "host.json", "requirements.txt"} & set(ignored)


def test_alerts_name_functions_and_messages_of_the_code() -> None:
    alerts = (ROOT / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")
    stages = (ROOT / "infra" / "stages.bicep").read_text(encoding="utf-8")
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "functions").rglob("*.py")]
    defined = {node.name for tree in modules for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}

    lists = re.findall(r"OperationName in \(([^)]*)\)", alerts)
    named = {name for each in lists for name in re.findall(r'"(\w+)"', each)}
    named |= set(re.findall(r'OperationName == "(\w+)"', alerts)) | set(re.findall(r"'function:(\w+)'", stages))
    feeds = {feed.name for feed in FEEDS}  # functions/counting/feeds.py makes one function of each, of this name
    assert named >= {"keep_watch"} | feeds
    assert named <= defined | feeds
    logged = "".join(
        path.read_text(encoding="utf-8") for folder in ("cosmos", "functions") for path in (ROOT / folder).rglob("*.py")
    )
    messages = set(re.findall(r'Message startswith "([^"]+)"', alerts))
    assert len(messages) >= 2
    assert [message for message in messages if f'log.error("{message} ' not in logged] == []


def test_every_alert_is_explained() -> None:
    alerts = (ROOT / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")

    names = re.findall(r"^    name: '([\w-]+)'$", alerts, re.MULTILINE)
    assert len(names) >= 5
    assert [name for name in names if f"`{name}`" not in README] == []


def test_what_is_not_checked_is_said() -> None:
    assert [kind for kind in sorted(schemas.UNCHECKED) if f"`{kind}`" not in README] == []


def test_the_workbook_is_well_formed() -> None:
    workbook = json.loads((ROOT / "infra" / "modules" / "workbook.json").read_text(encoding="utf-8"))

    names = [item["name"] for item in workbook["items"]]
    assert len(names) == len(set(names))
    queries = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    assert all(re.match(r"(App|CDB)\w+ \|", query) for query in queries)


def test_settings_for_the_emulator_start_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = json.loads((ROOT / "local.settings.emulator.json").read_text(encoding="utf-8"))["Values"]
    template = json.loads((ROOT / "local.settings.template.json").read_text(encoding="utf-8"))["Values"]

    assert set(emulator) - {"AzureFunctionsJobHost__extensions__cosmosDB__connectionMode"} == set(template)
    for name, value in emulator.items():
        monkeypatch.setenv(name, value)
    assert "https://127.0.0.1:8081/" in Settings().cosmos_connection


def test_the_emulators_listen_on_this_machine_only() -> None:
    compose = loaded(ROOT / "docker-compose.yml")

    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "127.0.0.1:8081:8081" in ports
    assert all(":" in service["image"] for service in compose["services"].values())


def test_tasks_wait_for_tasks_that_exist() -> None:
    tasks = json.loads((ROOT / ".vscode" / "tasks.json").read_text(encoding="utf-8"))["tasks"]
    json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))

    labels = {task["label"] for task in tasks}
    for task in tasks:
        awaited = task.get("dependsOn", [])
        assert set([awaited] if isinstance(awaited, str) else awaited) <= labels


def test_metrics_that_are_asked_for_and_described_are_those_of_the_app() -> None:
    measured = (ROOT / "functions" / "core" / "otel" / "measures.py").read_text(encoding="utf-8")
    names = set(re.findall(r'create_\w+\(\s*"([\w.]+)"', measured))
    asked = "".join(
        (ROOT / "infra" / "modules" / file).read_text(encoding="utf-8") for file in ("alerts.bicep", "workbook.json")
    )

    told = {"vimarsh.feed.lag", "vimarsh.feed.age", "vimarsh.jobs.overdue", "vimarsh.erasures.unknown"}
    assert set(re.findall(r"\bName == ['\"]([\w.]+)", asked)) == told <= names
    assert "Properties.feed" in asked
    assert '{"feed": feed}' in measured
    assert set(re.findall(r"^\| `([a-z]+\.[\w.]+)` \|", README, re.MULTILINE)) == names
