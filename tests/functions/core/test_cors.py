"""CORS as a browser meets it, under the local host with the settings that everybody starts with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from string import Template

import httpx
import pytest

from tests.conftest import ROOT

APP = ("function_app.py", "functions", "cosmos", "models", "host.json")
PORTS = {"COSMOS_PORT": "1", "ENTRA_PORT": "1", "ENTRA_TENANT": "t", "ENTRA_AUDIENCE": "a", "DATA": "d"}
OURS, THEIRS = "http://localhost:3000", "https://elsewhere.example"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app in a host of its own; what is asked here needs neither the database nor the issuer."""
    folder = tmp_path_factory.mktemp("app")
    for name in APP:
        (folder / name).symlink_to(ROOT / name)
    template = Template((ROOT / "local.settings.template.json").read_text("utf-8"))
    (folder / "local.settings.json").write_text(template.substitute(PORTS), "utf-8")
    command = [sys.executable, "-m", "local.functions", "--app", str(folder), "--port", "0", "--grace", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield next(found[1] for line in process.stdout or [] if (found := re.search(r"(http://\S+)/api/", line)))
        finally:
            process.kill()


def preflight(url: str, origin: str) -> httpx.Response:
    wanted = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type, if-match, idempotency-key",
    }
    return httpx.options(f"{url}/api/me", headers=wanted)


def test_a_configured_origin_may_send_what_the_api_takes(url: str) -> None:
    answer = preflight(url, OURS)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-origin"] == OURS
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].lower().split(",")}
    assert {"authorization", "content-type", "if-match", "idempotency-key"} <= allowed
    assert "access-control-allow-credentials" not in answer.headers


def test_another_origin_may_not(url: str) -> None:
    assert "access-control-allow-origin" not in preflight(url, THEIRS).headers
    assert "access-control-allow-origin" not in httpx.get(f"{url}/api/health", headers={"Origin": THEIRS}).headers


@pytest.mark.parametrize(("path", "status"), [("health", 200), ("me", 401), ("nowhere", 404)])
def test_a_browser_may_read_the_headers_that_matter(url: str, path: str, status: int) -> None:
    answer = httpx.get(f"{url}/api/{path}", headers={"Origin": OURS})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, OURS)
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"etag", "link", "location", "retry-after", "www-authenticate", "x-request-id"} <= exposed
