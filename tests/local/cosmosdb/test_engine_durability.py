"""What is acknowledged survives kill -9, and a data directory has one engine at a time."""

import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient, PartitionKey

from local.cosmosdb.auth import EMULATOR_KEY
from local.cosmosdb.server import serve_in_thread


def test_nothing_acknowledged_is_lost_by_a_kill_and_no_batch_is_torn(tmp_path: Path, start_engine: Any) -> None:
    acknowledged: list[str] = []
    lock = threading.Lock()
    enough = threading.Event()

    with start_engine("--data", str(tmp_path)) as (url, process):
        client = CosmosClient(url, EMULATOR_KEY, retry_total=0, retry_connect=0)
        container = client.create_database("store").create_container("items", PartitionKey("/pk"))

        def write(worker: int) -> None:
            for number in range(10_000):
                name = f"{worker}-{number}"
                pair = [("create", ({"id": f"{name}-{half}", "pk": name},)) for half in "ab"]
                try:
                    container.execute_item_batch(pair, name)
                except AzureError:
                    return
                with lock:
                    acknowledged.append(name)
                    if len(acknowledged) >= 150:
                        enough.set()

        workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        assert enough.wait(60)
        process.kill()
        for worker in workers:
            worker.join()

    with serve_in_thread(tmp_path) as url, CosmosClient(url, EMULATOR_KEY) as client:
        container = client.get_database_client("store").get_container_client("items")
        halves: dict[str, set[str]] = {}
        for item in container.read_all_items():
            halves.setdefault(item["pk"], set()).add(item["id"][-1])
        assert set(acknowledged) <= set(halves)
        assert all(found == {"a", "b"} for found in halves.values())
        changes = list(container.query_items_change_feed(start_time="Beginning"))
        assert len(changes) == 2 * len(halves)
    with sqlite3.connect(tmp_path / "documents.sqlite3") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_restarted_engine_goes_on_where_it_was(tmp_path: Path) -> None:
    with serve_in_thread(tmp_path) as url, CosmosClient(url, EMULATOR_KEY) as client:
        database = client.create_database("store")
        container = database.create_container("items", PartitionKey("/pk"), default_ttl=60)
        first = container.create_item({"id": "one", "pk": "a"})
        container.delete_item("one", "a")
        list(container.query_items_change_feed(partition_key="a", start_time="Beginning"))
        continuation = container.client_connection.last_response_headers["etag"]
    with serve_in_thread(tmp_path) as url, CosmosClient(url, EMULATOR_KEY) as client:
        container = client.get_database_client("store").get_container_client("items")
        assert container.read()["defaultTtl"] == 60
        assert len(list(container.read_feed_ranges())) == 4
        second = container.create_item({"id": "one", "pk": "a"})
        assert second["_rid"] != first["_rid"]
        changes = container.query_items_change_feed(continuation=continuation)
        assert [change["id"] for change in changes] == ["one"]


def test_a_second_engine_on_the_same_data_is_refused(tmp_path: Path, start_engine: Any) -> None:
    with start_engine("--data", str(tmp_path)) as (url, process):
        second = subprocess.run(
            [sys.executable, "-m", "local.cosmosdb", "--port", "0", "--data", str(tmp_path)],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
        )
        assert second.returncode == 1
        assert "is in use by another engine" in second.stderr
        assert "Traceback" not in second.stderr
        assert httpx.get(f"{url}/_local/health").status_code == 200
        process.kill()
        process.wait()
    with serve_in_thread(tmp_path) as url:
        assert httpx.get(f"{url}/_local/health").status_code == 200


def test_a_port_that_is_taken_is_named(start_engine: Any) -> None:
    with start_engine("--memory") as (url, _):
        port = url.rsplit(":", 1)[1]
        second = subprocess.run(
            [sys.executable, "-m", "local.cosmosdb", "--port", port, "--memory"],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
        )
    assert second.returncode == 1
    assert port in second.stderr
    assert "--port" in second.stderr


def test_a_signal_ends_the_engine_with_what_it_was_doing_done(start_engine: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with start_engine("--memory") as (url, process):
            assert httpx.get(f"{url}/_local/health").status_code == 200
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors) == (0, "")


def test_https_is_served_with_the_certificate_that_is_kept(tmp_path: Path, start_engine: Any) -> None:
    with start_engine("--memory", "--tls", str(tmp_path)) as (url, _):
        assert url.startswith("https://127.0.0.1:")
        certificate = tmp_path / "certificate.pem"
        context = ssl.create_default_context(cafile=certificate)
        with httpx.Client(verify=context) as client:
            assert client.get(f"{url}/_local/health").status_code == 200
            assert client.get(f"{url.replace('127.0.0.1', 'localhost')}/_local/health").status_code == 200
        kept = certificate.read_bytes()
    with start_engine("--memory", "--tls", str(tmp_path)) as (url, _):
        assert certificate.read_bytes() == kept
