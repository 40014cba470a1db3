from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.functions.errors import AppLoadError
from local.functions.host import FunctionHost
from local.functions.host_json import read_host_json
from local.functions.retry import RetryPolicy
from local.functions.settings import Settings, read_local_settings
from tests.local.functions.host_helpers import ROOT, client_of, host_command

APP = """
import os
import azure.functions as func
from helper import GREETING

app = func.FunctionApp()

@app.route(route="greet")
def greet(req: func.HttpRequest) -> str:
    return GREETING + " " + os.environ["HOST_TEST_NAME"]
"""


@pytest.fixture(autouse=True)
def _clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes back what loading a folder does to the process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, environment = set(sys.modules), dict(os.environ)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    for name in set(os.environ) - set(environment):
        del os.environ[name]


def folder_of(folder: Path, source: str = APP, **files: Any) -> Path:
    (folder / "function_app.py").write_text(source, "utf-8")
    (folder / "helper.py").write_text("GREETING = 'hello'", "utf-8")
    for name, content in files.items():
        (folder / f"{name.replace('_', '.')}.json").write_text(json.dumps(content), "utf-8")
    return folder


async def greeting(host: FunctionHost, url: str = "/api/greet") -> tuple[int, str]:
    async with client_of(host) as client:
        response = await client.get(url)
    return response.status_code, response.text


async def test_folder_is_served_with_its_settings(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, local_settings={"IsEncrypted": False, "Values": {"HOST_TEST_NAME": "file"}})
    assert await greeting(FunctionHost(folder)) == (200, "hello file")


async def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TEST_NAME", "environment")
    folder = folder_of(tmp_path, local_settings={"Values": {"HOST_TEST_NAME": "file"}})
    assert await greeting(FunctionHost(folder)) == (200, "hello environment")


async def test_another_folder_is_another_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TEST_NAME", "x")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folder_of(tmp_path / name, APP.replace("GREETING +", f"'{name}' +"))
    assert await greeting(FunctionHost(tmp_path / "one")) == (200, "one x")
    assert await greeting(FunctionHost(tmp_path / "two")) == (200, "two x")


async def test_route_prefix_comes_from_host_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TEST_NAME", "x")
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    host = FunctionHost(folder_of(tmp_path, host=host_json))
    assert (await greeting(host, "/greet"))[0] == 200
    assert (await greeting(host))[0] == 404


async def test_root_is_the_apps_if_it_has_a_route_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TEST_NAME", "x")
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    source = APP.replace('route="greet"', 'route="{*path}", methods=["GET"]')
    host = FunctionHost(folder_of(tmp_path, source, host=host_json))
    assert await greeting(host, "/") == (200, "hello x")
    async with client_of(host) as client:
        assert (await client.get("/admin/host/status")).json()["state"] == "Initialized"
        assert (await client.head("/")).status_code == 200


async def test_browser_of_an_allowed_origin_may_call(tmp_path: Path) -> None:
    settings = {"Values": {"HOST_TEST_NAME": "x"}, "Host": {"CORS": "http://localhost:3000"}}
    host = FunctionHost(folder_of(tmp_path, local_settings=settings))
    async with client_of(host) as client:
        preflight = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
        allowed = await client.options("/api/greet", headers={"Origin": "http://localhost:3000", **preflight})
        refused = await client.options("/api/greet", headers={"Origin": "http://elsewhere", **preflight})
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import no_such_module", "Cannot import function_app.py: No module named 'no_such_module'"),
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "Could not find top level function app instances in function_app.py"),
        ("import azure.functions as f\na = f.FunctionApp()\nb = f.FunctionApp()", "More than one top level"),
    ],
)
def test_app_that_cannot_be_loaded_says_why(tmp_path: Path, source: str, problem: str) -> None:
    with pytest.raises(AppLoadError) as caught:
        FunctionHost(folder_of(tmp_path, source))
    assert problem in str(caught.value)
    assert "importlib" not in str(caught.value)


def test_one_app_under_two_names_is_one_app(tmp_path: Path) -> None:
    host = FunctionHost(folder_of(tmp_path, APP + "\nalso = app"))
    assert [function.name for function in host.functions] == ["greet"]


def test_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppLoadError, match=r"function_app\.py does not exist"):
        FunctionHost(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "not valid JSON"),
        ("[]", "has to hold an object"),
        ('{"IsEncrypted": true}', "is encrypted"),
        ('{"Values": []}', "have to be objects"),
        ('{"Values": {"A": {"B": "c"}}}', "values are text, but A is not"),
    ],
)
def test_malformed_settings_are_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "local.settings.json").write_text(content, "utf-8")
    with pytest.raises(AppLoadError, match=problem):
        read_local_settings(tmp_path)


def test_settings_that_are_not_text_become_text(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": true, "B": 5, "C": null}}', "utf-8")
    assert read_local_settings(tmp_path).values == {"A": "true", "B": "5", "C": ""}


def test_settings_expand_references() -> None:
    settings = Settings({"A": "1", "B": "2"})
    assert settings.expand("x%A%y%B%z") == "x1y2z"
    assert settings.expand("100%") == "100%"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "not valid JSON"),
        ("{}", "'version' has to be"),
        ('{"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}', "Loud is not a log level"),
        ('{"version": "2.0", "retry": {"strategy": "fixedDelay"}}', "max_retry_count"),
        ('{"version": "2.0", "retry": 5}', "'retry' has to be an object"),
    ],
)
def test_malformed_host_json_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "host.json").write_text(content, "utf-8")
    with pytest.raises(AppLoadError, match=problem):
        read_host_json(tmp_path)


def test_host_json_gives_levels_and_a_retry_policy(tmp_path: Path) -> None:
    content = {
        "version": "2.0",
        "logging": {"logLevel": {"default": "Warning", "Function": "Trace"}},
        "retry": {
            "strategy": "exponentialBackoff",
            "maxRetryCount": 4,
            "minimumInterval": "00:00:02",
            "maximumInterval": "00:01:00",
        },
    }
    (tmp_path / "host.json").write_text(json.dumps(content), "utf-8")
    host_json = read_host_json(tmp_path)
    assert host_json.log_levels == {"default": logging.WARNING, "Function": logging.DEBUG}
    assert host_json.retry == RetryPolicy(4, 2.0, 60.0)


def test_command_reports_a_broken_app_and_ends_with_1(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "import no_such_module")
    ended = subprocess.run(host_command(folder), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "The function app cannot be served." in ended.stderr
    assert "No module named 'no_such_module'" in ended.stderr
    assert 'function_app.py", line 1' in ended.stderr


def test_command_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    command = host_command(tmp_path / "nowhere")
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "is not a folder" in ended.stderr


async def test_host_json_has_comments_and_says_what_runs_how_long_and_with_which_headers(
    tmp_path: Path,
) -> None:
    (tmp_path / "function_app.py").write_text(SLOW_APP, "utf-8")
    (tmp_path / "host.json").write_text(
        """{
            // what runs
            "version": "2.0", /* "functions": [], */
            "functions": ["slow", "QUICK",],
            "functionTimeout": "00:00:00.1",
            "extensions": {"http": {"customHeaders": {"X-Url": "http://x/,}"}}},
        }""",
        "utf-8",
    )
    async with client_of(FunctionHost(tmp_path)) as client:
        quick = await client.get("/api/quick")
        assert (quick.text, quick.headers["x-url"]) == ("quick", "http://x/,}")
        assert (await client.get("/api/slow")).status_code == 500
        assert (await client.get("/api/other")).status_code == 404


SLOW_APP = """
import asyncio
import azure.functions as func

app = func.FunctionApp()

@app.route(route="quick")
async def quick(req: func.HttpRequest) -> str:
    return "quick"

@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.Event().wait()
    return "never"

@app.route(route="other")
async def other(req: func.HttpRequest) -> str:
    return "other"
"""


@pytest.mark.parametrize(
    "content", ['{"version": "2.0", "functionTimeout": "soon"}', '{"version": "2.0", "functions": "all"}']
)
def test_known_setting_with_a_wrong_value_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "function_app.py").write_text(SLOW_APP, "utf-8")
    (tmp_path / "host.json").write_text(content, "utf-8")
    with pytest.raises(AppLoadError, match=r"functionTimeout|'functions'"):
        FunctionHost(tmp_path)
