"""Whether the app is alive, and ready."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from functions.composition import AppServices, services
from functions.core.problems import Problem
from functions.core.readiness import REMEMBERED_SECONDS, Readiness
from functions.core.settings import read_settings
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def dead_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


async def failing(**changes: Any) -> list[str]:
    """What fails for a process with other settings."""
    other = AppServices(read_settings().model_copy(update=changes))
    try:
        return await other.readiness.failing()
    finally:
        await other.close()


async def test_the_app_is_ready(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_asking_again_costs_nothing(api: httpx.AsyncClient, cosmos_url: str) -> None:
    await api.get("/health/ready")
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        await engine.delete("/_local/requests")
        answers = await asyncio.gather(*(api.get("/health/ready") for _ in range(8)))
        requests = (await engine.get("/_local/requests")).json()["requests"]
    assert {answer.status_code for answer in answers} == {200}
    assert sum(row["count"] for row in requests if row["operation"] == "read_container") <= 6


def emulator(url: str) -> SecretStr:
    return SecretStr(f"AccountEndpoint={url}/;AccountKey={WELL_KNOWN_KEY};")


async def test_an_account_without_containers_is_not_ready(settings: dict[str, str]) -> None:
    with serve_in_thread() as url:
        with Account(url) as account:
            provision(account, [])
        assert await failing(cosmos=emulator(url)) == ["containers"]


async def test_an_account_without_the_database_is_not_ready(settings: dict[str, str]) -> None:
    with serve_in_thread() as url:
        assert await failing(cosmos=emulator(url)) == ["cosmos", "containers"]


async def test_an_account_that_is_out_of_reach_is_named(
    settings: dict[str, str], dead_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.core.readiness.LIMIT_SECONDS", 0.2)
    assert {"cosmos", "containers"} <= set(await failing(cosmos=emulator(f"http://127.0.0.1:{dead_port}")))


async def test_an_issuer_that_is_out_of_reach_is_named(settings: dict[str, str], dead_port: int) -> None:
    assert await failing(entra_metadata_url=f"http://127.0.0.1:{dead_port}/metadata") == ["issuer_keys"]


async def test_a_problem_names_what_fails_and_says_no_more(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable() -> bool:
        raise Problem(503, "unavailable", "Try again", "The sign-in service at 10.0.0.1 can't be reached")

    async def passes() -> bool:
        return True

    monkeypatch.setattr(services(), "readiness", Readiness({"good": passes, "issuer_keys": unreachable}))
    answer = await api.get("/health/ready")
    problem = answer.json()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (problem["type"], problem["checks"]) == ("urn:vimarsh:problem:not-ready", ["issuer_keys"])
    assert "10.0.0.1" not in answer.text


async def test_what_was_found_out_counts_for_some_seconds() -> None:
    times, results, runs = iter([0.0, 0.0, 4.9, REMEMBERED_SECONDS, REMEMBERED_SECONDS]), iter([False, True]), []

    async def check() -> bool:
        runs.append(1)
        return next(results)

    readiness = Readiness({"database": check}, lambda: next(times))
    assert [await readiness.failing() for _ in range(3)] == [["database"], ["database"], []]
    assert len(runs) == 2


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.core.readiness.LIMIT_SECONDS", 0.01)
    readiness = Readiness({"database": asyncio.Event().wait})
    assert await readiness.failing() == ["database"]
