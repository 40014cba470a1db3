from __future__ import annotations

import asyncio
import http.client
import socket
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from tests.local.functions.host_helpers import ROOT, Feed, host_command, host_process, until

APP = """
import asyncio
import logging
import threading
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()

@app.route(route="where", methods=["GET"])
def where(req: func.HttpRequest) -> str:
    logging.info("the app's own words")
    return str(Path.cwd())

@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    Path("started").touch()
    await asyncio.sleep(0.3)
    Path("finished").touch()
    return "done"

@app.route(route="stuck")
def stuck(req: func.HttpRequest) -> str:
    Path("started").touch()
    threading.Event().wait()
    return "never"

@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
def yearly(timer: func.TimerRequest) -> None:
    pass
"""

FEED_APP = """
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()

@app.cosmos_db_trigger(
    "docs", "COSMOS", "%DATABASE%", "items", lease_container_name="leases", feed_poll_delay=20,
    start_from_beginning=True, max_items_per_invocation=1,
)
def on_change(docs: func.DocumentList) -> None:
    with Path("seen").open("a") as seen:
        seen.write(docs[0]["id"] + "\\n")
        seen.flush()
    while not Path("go-" + docs[0]["id"]).exists():
        time.sleep(0.01)
"""


def folder_of(folder: Path, source: str = APP) -> Path:
    (folder / "function_app.py").write_text(source, "utf-8")
    return folder


def test_app_is_served_and_listed_until_the_host_is_told_to_stop(tmp_path: Path) -> None:
    with host_process(folder_of(tmp_path)) as host:
        assert httpx.get(f"{host.url}/api/where").text == str(tmp_path.resolve())
        assert host.terminate() == 0
        printed = host.log.read_text("utf-8")
    assert f"where: [GET] {host.url}/api/where" in printed
    assert "yearly: timerTrigger" in printed
    assert "Executed 'Functions.where' (Succeeded, Id=" in printed
    assert "the app's own words" in printed


def test_running_request_is_finished_before_the_end(tmp_path: Path) -> None:
    answers: list[str] = []
    with host_process(folder_of(tmp_path)) as host:
        request = threading.Thread(target=lambda: answers.append(httpx.get(f"{host.url}/api/slow").text))
        request.start()
        while not (tmp_path / "started").exists():
            request.join(0.01)
        assert host.terminate() == 0
        request.join()
    assert answers == ["done"]


def test_invocation_outlives_a_client_that_leaves(tmp_path: Path) -> None:
    with host_process(folder_of(tmp_path)) as host:
        client = http.client.HTTPConnection(host.url.removeprefix("http://"))
        client.request("GET", "/api/slow")
        while not (tmp_path / "started").exists():
            threading.Event().wait(0.01)
        client.close()
        assert host.terminate() == 0
        assert (tmp_path / "finished").exists()
        assert "Executed 'Functions.slow' (Succeeded" in host.log.read_text("utf-8")


def test_head_answers_without_a_body_and_connections_are_kept(tmp_path: Path) -> None:
    with host_process(folder_of(tmp_path)) as host, httpx.Client() as client:
        head = client.head(f"{host.url}/")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get(f"{host.url}/api/where").status_code == 200


@pytest.mark.parametrize("arguments", [("--help",)])
def test_command_explains_itself(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command = host_command(tmp_path, *arguments)
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0
    assert "--app DIR" in ended.stdout


def test_port_that_is_taken_ends_it_with_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*host_command(folder_of(tmp_path)), "--port", port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"Port {port} is not available" in ended.stderr


def test_request_that_never_ends_does_not_keep_the_host_alive(tmp_path: Path) -> None:
    with host_process(folder_of(tmp_path), "--grace", "0.1") as host:
        client = http.client.HTTPConnection(host.url.removeprefix("http://"))
        client.request("GET", "/api/stuck")
        while not (tmp_path / "started").exists():
            threading.Event().wait(0.01)
        assert host.terminate() == 0
        client.close()


async def test_killed_host_goes_on_at_its_last_checkpoint(feed: Feed, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FEED_APP)

    def seen() -> list[str]:
        return (folder / "seen").read_text("utf-8").split() if (folder / "seen").exists() else []

    def allow(*ids: str) -> None:
        for item_id in ids:
            (folder / f"go-{item_id}").touch()

    await feed.write("a", "b", "c", "d")
    allow("a", "b")
    with host_process(folder, "--instance", "the-host", settings=feed.settings) as host:
        await until(lambda: seen() == ["a", "b", "c"])
        await asyncio.to_thread(host.kill)
    allow("c", "d")
    with host_process(folder, "--instance", "the-host", settings=feed.settings) as host:
        await until(lambda: seen() == ["a", "b", "c", "c", "d"])
        async with httpx.AsyncClient() as client:

            async def is_drained() -> bool:
                (entry,) = (await client.get(f"{host.url}/_local/feeds")).json()["feeds"]
                return bool(entry["lag"] == 0)

            await until(is_drained)
        assert await asyncio.to_thread(host.terminate) == 0
    assert seen() == ["a", "b", "c", "c", "d"]
    assert [document["Owner"] for document in await feed.lease_documents()] == [None] * 4


async def test_host_with_a_function_that_never_ends_still_ends(feed: Feed, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FEED_APP)
    await feed.write("a")
    with host_process(folder, "--grace", "0.1", settings=feed.settings) as host:
        await until((folder / "seen").exists)
        assert await asyncio.to_thread(host.terminate) == 0
        assert "they are abandoned" in host.log.read_text("utf-8")
