"""What the guides list is what there is: problems, settings, alerts, metrics, routes, tests."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import functions
from functions.core.api import PREFIX, Routes
from functions.core.otel import measures
from functions.core.problem_types import PROBLEM_TYPES
from functions.core.settings import Settings
from local.entra.identity import API_CLIENT_ID, TENANT_ID, USER_SCOPE, WEB_CLIENT_ID
from models.accounts.consent import MEANINGS

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
API_GUIDE, OPERATIONS, SECURITY = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("api-guide", "operations", "security-and-privacy")
)
ALL = {page.name: page.read_text(encoding="utf-8") for page in [*DOCS.glob("*.md"), *ROOT.glob("*.md")]}
ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:https?://[^/\s]+)?/api/([^\s`\"?)]*)")


def operations() -> set[tuple[str, str]]:
    """Method and path of each operation that a module declares, without the constraints of parameters."""
    found = {("GET", "openapi.json"), ("GET", "docs")}
    for module in pkgutil.walk_packages(functions.__path__, "functions."):
        routes = getattr(importlib.import_module(module.name), "routes", None)
        if isinstance(routes, Routes):
            found |= {(one.method, re.sub(r":\w+}", "}", one.path)) for one in routes.operations}
    return found


def first_column(text: str, heading: str) -> set[str]:
    """The names in the first column of the first table below a heading."""
    table = text.partition(f"\n{heading}\n")[2].partition("\n|---")[2].split("\n\n")[0]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_kind_of_problem_is_in_the_api_guide_with_its_status() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", API_GUIDE, re.MULTILINE))
    assert listed == {(kind.slug, str(kind.status)) for kind in PROBLEM_TYPES.values()}


@pytest.mark.parametrize("text", [TENANT_ID, API_CLIENT_ID, WEB_CLIENT_ID, USER_SCOPE])
def test_the_api_guide_has_the_local_issuers_names(text: str) -> None:
    assert text in API_GUIDE


def test_every_setting_is_in_operations() -> None:
    assert first_column(OPERATIONS, "## Settings") == {str(field.alias) for field in Settings.model_fields.values()}


def test_every_alert_is_in_operations() -> None:
    bicep = (ROOT / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")
    names = set(re.findall(r"^    name: '([a-z-]+)'$", bicep, re.MULTILINE))
    names |= set(re.findall(r"^  name: '([a-z-]+)-\$\{token\}'$", bicep, re.MULTILINE)) - {"ag"}
    assert first_column(OPERATIONS, "## Alerts") == names


def test_every_metric_is_in_operations() -> None:
    source = Path(measures.__file__).read_text(encoding="utf-8")
    names = set(re.findall(r"create_\w+\(\s*\"([\w.]+)\"", source))
    assert first_column(OPERATIONS, "## What to watch") == names


def test_every_consent_is_in_security() -> None:
    assert first_column(SECURITY, "## Consents") == set(MEANINGS)


@pytest.mark.parametrize("name", ALL)
def test_every_route_that_a_page_names_exists(name: str) -> None:
    assert PREFIX == "api/"
    known = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in operations()}
    named = {(method, re.sub(r"{[\w]+}", "{}", path).rstrip(".,;:")) for method, path in ROUTE.findall(ALL[name])}
    assert named - known == set()


@pytest.mark.parametrize("name", ALL)
def test_every_test_that_a_page_names_exists(name: str) -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", ALL[name]))
    assert {test for test in named if f"def {test}(" not in tests} == set()
    files = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", ALL[name]))
    assert {file for file in files if not (ROOT / file).exists()} == set()
