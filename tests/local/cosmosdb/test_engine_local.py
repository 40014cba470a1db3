"""The engine's own routes, and its command line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from local.cosmosdb.engine import Settings
from local.cosmosdb.errors import CosmosError
from local.cosmosdb.local_routes import check_loopback


def counted(url: str) -> dict[tuple[str, bool], int]:
    rows = httpx.get(f"{url}/_local/requests").json()["requests"]
    return {(row["operation"], row["cross_partition"]): row["count"] for row in rows if row["container"] == "items"}


def test_requests_are_counted_by_kind(url: str, container: ContainerProxy) -> None:
    httpx.delete(f"{url}/_local/requests")
    container.create_item({"id": "one", "pk": "a", "n": 1})
    container.upsert_item({"id": "one", "pk": "a", "n": 1})
    container.read_item("one", "a")
    container.patch_item("one", "a", [{"op": "incr", "path": "/n", "value": 1}])
    container.execute_item_batch([("read", ("one",))], "a")
    list(container.query_items("SELECT * FROM c", partition_key="a"))
    list(container.query_items("SELECT VALUE COUNT(1) FROM c", enable_cross_partition_query=True))
    list(container.query_items_change_feed(partition_key="a"))
    container.delete_item("one", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("one", "a")
    counts = counted(url)
    for operation in ("create", "upsert", "read", "patch", "batch", "delete", "query_plan", "change_feed"):
        assert counts[operation, False] >= 1
    assert counts["query", False] == 1
    assert counts["query", True] == 4
    assert counts["error_404", False] == 1
    assert counts["error_400", False] == 1  # the gateway's refusal to run the aggregate without a plan
    rows = httpx.get(f"{url}/_local/requests").json()["requests"]
    assert next(row for row in rows if row["operation"] == "create")["request_charge"] == 5.0
    assert httpx.delete(f"{url}/_local/requests").status_code == 204
    assert counted(url) == {}


def query(url: str, text: str, **more: Any) -> httpx.Response:
    return httpx.post(f"{url}/_local/query", json={"database": "store", "container": "items", "query": text, **more})


def test_a_whole_query_runs_over_all_ranges(url: str, container: ContainerProxy) -> None:
    for number in range(20):
        container.create_item({"id": str(number), "pk": f"p{number % 5}", "n": number})
    grouped = query(url, "SELECT c.pk, COUNT(1) AS count, MAX(c.n) AS most FROM c GROUP BY c.pk").json()
    assert sorted(row["most"] for row in grouped["rows"]) == [15, 16, 17, 18, 19]
    assert {row["count"] for row in grouped["rows"]} == {4}
    assert grouped["request_charge"] > 2
    ordered = query(
        url, "SELECT VALUE c.n FROM c WHERE c.n > @n ORDER BY c.n", parameters=[{"name": "@n", "value": 16}]
    )
    assert ordered.json()["rows"] == [17, 18, 19]
    one = query(url, "SELECT VALUE COUNT(1) FROM c", partition_key="p1")
    assert one.json()["rows"] == [4]


def test_a_query_that_fails_says_why(url: str, container: ContainerProxy) -> None:
    assert "Syntax error" in query(url, "SELEC").json()["message"]
    assert query(url, "SELECT 1", container="nowhere").status_code == 404
    assert httpx.post(f"{url}/_local/query", json={"query": "SELECT 1"}).status_code == 400
    assert httpx.get(f"{url}/_local/nowhere").status_code == 400


@pytest.mark.parametrize(("client", "allowed"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False)])
def test_the_routes_answer_this_machine_only(client: str, allowed: bool) -> None:
    if allowed:
        check_loopback(client)
    else:
        with pytest.raises(CosmosError) as caught:
            check_loopback(client)
        assert caught.value.status == 403


@pytest.mark.parametrize("partitions", [0, 65])
def test_a_container_has_a_sensible_number_of_ranges(partitions: int) -> None:
    with pytest.raises(ValueError, match="partitions"):
        Settings(partitions=partitions)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.cosmosdb", *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )


def test_the_command_line_explains_itself() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for option in ("--port", "--data", "--memory", "--partitions", "--verbose", "--tls", "--fault-injection"):
        assert option in answer.stdout


def test_a_setting_that_makes_no_sense_is_named() -> None:
    answer = run("--memory", "--partitions", "0")
    assert answer.returncode == 1
    assert "partitions" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_faults_and_the_clock_are_there_if_it_was_started_for_them(start_engine: Any) -> None:
    with start_engine("--memory", "--fault-injection", "--adjustable-clock") as (url, _):
        assert httpx.put(f"{url}/_local/faults", json={"rules": [{"fault": 503}]}).status_code == 200
        assert httpx.put(f"{url}/_local/clock", json={"advance_seconds": 60}).json()["offset_seconds"] == 60
        assert httpx.get(f"{url}/").status_code == 401, "faults strike only what the service itself would answer"


def test_the_log_is_one_line_unless_asked_for_more(start_engine: Any) -> None:
    for arguments, expected in (((), 0), (("--verbose",), 1)):
        with start_engine("--memory", *arguments) as (url, process):
            httpx.get(f"{url}/_local/health")
            process.terminate()
            output, log = process.communicate(timeout=30)
            assert output == ""
            assert log.count("GET /_local/health 200") == expected


def test_what_an_index_leaves_out_is_not_charged_for(url: str, container: ContainerProxy) -> None:
    def charge(text: str) -> Any:
        answer = query(url, text).json()
        assert len(answer["rows"]) == 1
        return answer["request_charge"]

    container.create_item({"id": "wanted", "pk": "p", "from": 1})
    few = charge("SELECT * FROM c WHERE c['from'] <= 2")
    for number in range(50):
        container.create_item({"id": str(number), "pk": "p", "n": number})
    assert charge("SELECT * FROM c WHERE c['from'] <= 2") == few
    assert charge("SELECT * FROM c WHERE c['from'] <= 2 AND NOT IS_DEFINED(c.n)") == few
    assert charge("SELECT * FROM c WHERE NOT IS_DEFINED(c.n)") > few + 0.5
