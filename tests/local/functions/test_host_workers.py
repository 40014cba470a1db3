"""`--workers`: a process for the HTTP functions, one for the durable ones, one for each other function."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx

from tests.local.functions.host_helpers import Feed, host_process, until

APP = """
import os
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()

@app.route(route="process")
def process(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("orchestrate"))

@app.orchestration_trigger(context_name="context")
def orchestrate(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("where"))

@app.activity_trigger(input_name="nothing")
def where(nothing: str) -> str:
    return str(os.getpid())

@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
def yearly(timer: func.TimerRequest) -> None:
    Path("yearly").write_text(str(os.getpid()))

@app.cosmos_db_trigger(
    "docs", "COSMOS", "%DATABASE%", "items", lease_container_name="leases", feed_poll_delay=20,
    start_from_beginning=True,
)
def on_change(docs: func.DocumentList) -> None:
    with Path("seen").open("a") as seen:
        seen.write(f"{os.getpid()} {docs[0]['id']}\\n")
"""


async def test_each_group_has_a_process_that_is_replaced_when_it_dies(feed: Feed, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP, "utf-8")
    seen = tmp_path / "seen"

    def processes_of(item_id: str) -> list[int]:
        lines = seen.read_text("utf-8").splitlines() if seen.exists() else []
        return [int(line.split()[0]) for line in lines if line.endswith(f" {item_id}")]

    await feed.write("a")
    arguments = ("--workers", "--instance", "the-host", "--data", str(tmp_path / "data"))
    with host_process(tmp_path, *arguments, settings=feed.settings) as host:
        async with httpx.AsyncClient(base_url=host.url, timeout=60) as client:
            http = int((await client.get("/api/process")).text)
            started = (await client.post("/api/start")).json()
            assert started["statusQueryGetUri"].startswith(host.url)

            async def has_ended() -> bool:
                return bool((await client.get(started["statusQueryGetUri"])).json()["runtimeStatus"] == "Completed")

            await until(has_ended)
            durable = int((await client.get(started["statusQueryGetUri"])).json()["output"])
            assert (await client.post("/admin/functions/yearly", json={})).status_code == 202
            await until(lambda: (tmp_path / "yearly").exists() and (tmp_path / "yearly").read_text("utf-8"))
            timer = int((tmp_path / "yearly").read_text("utf-8"))
            await until(lambda: processes_of("a"))
            feeding = processes_of("a")[0]
            assert len({host.process.pid, http, durable, timer, feeding}) == 5

            async def is_drained() -> bool:
                (entry,) = (await client.get("/_local/feeds")).json()["feeds"]
                return bool(entry["lag"] == 0)

            await until(is_drained)
            os.kill(feeding, signal.SIGKILL)
            await feed.write("b", pk="q")
            await until(lambda: processes_of("b"))
            assert processes_of("b")[0] != feeding
        assert await asyncio.to_thread(host.terminate) == 0
        for process in (http, durable, timer, processes_of("b")[0]):
            assert not is_alive(process)


async def test_no_process_outlives_the_supervisor(feed: Feed, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP, "utf-8")
    with host_process(tmp_path, "--workers", settings=feed.settings) as host:
        async with httpx.AsyncClient(base_url=host.url) as client:
            http = int((await client.get("/api/process")).text)
        await asyncio.to_thread(host.kill)
        await until(lambda: not is_alive(http))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").split()[2] != "Z"
    except OSError:
        return False
