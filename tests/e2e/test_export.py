"""What users take with them is all there is: their dashboard can be rebuilt from it by somebody else's program."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.simulation.clients import Client
from bench.simulation.stack import SAMPLE, Stack, local_stack, run_local
from functions.core.examples import BODIES
from local.entra.identity import TENANT_ID, oid_of

PROGRAM = Path(__file__).with_name("dashboard_of_export.py")
PEOPLE = [user["email"] for user in json.loads((SAMPLE / "users.json").read_text("utf-8"))]
LONG_LIVED = {
    "kai@contoso.example": "Pacific/Auckland",
    "lena@contoso.example": "America/Los_Angeles",
    "asha@contoso.example": "Asia/Kolkata",
}
"""People whose turns spread over months, with their time zones. The last one withdraws consent to analytics in between,
and gives it again."""

SHORT = [("What is entropy?", "science"), ("Who wrote the Gita?", "religion")]
COMPARISON = (
    "Explain step by step what {} and {} concluded about this; then compare their reasons, and analyse which of them "
    "was proved wrong later, by whom, and why that was accepted only after decades of controversy."
)
LONG = [(COMPARISON.format("Keynes", "Friedman"), "economics"), (COMPARISON.format("Kant", "Hume"), "philosophy")]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The sample data, with feedback, bookmarks and ended sessions, all of it counted."""
    with local_stack() as stack, httpx.Client(timeout=60) as http:
        urls = [
            "--functions-url",
            stack.functions_url,
            "--entra-url",
            stack.entra_url,
            "--cosmos-url",
            stack.cosmos_url,
        ]
        replay = ["replay", str(SAMPLE / "turns.jsonl"), "--users", str(SAMPLE / "users.json"), *urls]
        with run_local(*replay) as process:
            printed, _ = process.communicate()
            assert process.returncode == 0, printed
        client = Client(stack, http)
        client.sign_in()
        for seed, email in enumerate(LONG_LIVED):
            live(client, email, seed)
        client.drained()
        http.post(f"{stack.functions_url}/admin/functions/end_idle_sessions", json={}).raise_for_status()
        for email in PEOPLE[:6]:
            client.tokens["user"] = token(stack, email)
            use(client)
        client.drained()
        yield stack


def token(stack: Stack, email: str) -> str:
    answer = httpx.post(f"{stack.entra_url}/_local/token", json={"email": email}).raise_for_status()
    return str(answer.json()["access_token"])


def use(client: Client) -> None:
    """Rates turns, shares one, saves some, and thinks better of it."""
    turns = client.call("GET", "interactions").json()["items"]
    for stars, turn in enumerate(turns[:4], start=2):
        opinion = {"user_rating": stars, "was_shared": stars == 3}
        current = {"If-Match": f'"{turn["revision"]}"'}
        client.call("PATCH", f"interactions/{turn['id']}", body=opinion, headers=current)
    for turn in turns[2:7]:
        saved = client.call("POST", "bookmarks", body={"interaction_id": turn["id"]})
        if turn is turns[2]:
            current = {"If-Match": saved.headers["ETag"]}
            client.call("DELETE", f"bookmarks/{saved.json()['id']}", headers=current)


def live(client: Client, email: str, seed: int) -> None:
    """Asks for months, at first little and simply, then more and harder."""
    chance = random.Random(seed)
    client.tokens["user"] = token(client.stack, email)
    withdraws = email == list(LONG_LIVED)[-1]
    for month in (7, 8, 9, 10):
        if withdraws and month in (8, 10):
            current = {"If-Match": client.call("GET", "me").headers["ETag"]}
            client.call("PATCH", "me", body={"analytics_consent": month == 10}, headers=current)
        turns = [turn for _ in range(2 * (month - 5)) for turn in a_sitting(chance, email, month)]
        client.call("POST", "ingest/turns", "server", {"turns": turns})


def a_sitting(chance: random.Random, email: str, month: int) -> list[dict[str, Any]]:
    """A session of one to five turns, at any hour of a month."""
    begin = datetime(2026, month, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(30 * 24 * 60))
    session = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    turns = []
    for number in range(chance.randint(1, 5)):
        query, category = chance.choice(LONG if month == 10 else [*SHORT, *LONG][: month - 5])
        turn = BODIES["ingest_turns"]["one turn"]["turns"][0] | {
            "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "session_id": session,
            "timestamp": (begin + timedelta(minutes=3 * number)).isoformat(),
            "user_query": query,
            "query_category": category,
            "personality_used": chance.choice(("socrates", "socrates", "socrates", "einstein")),
            "model_used": chance.choice(("gpt-4o-mini", "gpt-4o", "a-model-without-a-price")),
            "user_rating": chance.choice((None, 2, 4, 5)),
            "was_shared": chance.random() < 0.1,
            "was_bookmarked": chance.random() < 0.1,
        }
        owner = {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "timezone": LONG_LIVED[email]}
        turns.append(turn | {"user": turn["user"] | owner})
    return turns


def save_export(stack: Stack, email: str, path: Path, limit: int = 100) -> None:
    """Writes a user's whole export into a file."""
    headers = {"Authorization": f"Bearer {token(stack, email)}"}
    query: dict[str, Any] = {"limit": limit}
    with (
        httpx.Client(base_url=f"{stack.functions_url}/api", headers=headers, timeout=60) as http,
        path.open("wb") as out,
    ):
        while query:
            page = http.get("/me/export", params=query).raise_for_status().content
            out.write(page)
            last = json.loads(page.rstrip(b"\n").rpartition(b"\n")[2])
            query = {"limit": limit, "continuation": last["continuation"]} if last["record"] == "continuation" else {}


def rebuilt(path: Path) -> dict[str, Any]:
    """What the program that knows nothing of this project makes of an export."""
    command = [sys.executable, "-I", str(PROGRAM), str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=True)
    dashboards: dict[str, Any] = json.loads(done.stdout)
    return dashboards


@pytest.mark.parametrize("email", [*PEOPLE, *LONG_LIVED])
def test_a_dashboard_is_rebuilt_from_the_export_alone(stack: Stack, tmp_path: Path, email: str) -> None:
    save_export(stack, email, tmp_path / "export.ndjson")
    found = rebuilt(tmp_path / "export.ndjson")
    headers = {"Authorization": f"Bearer {token(stack, email)}"}
    served = httpx.get(f"{stack.functions_url}/api/me/dashboard", headers=headers).json()
    assert served["total_interactions"] > 0
    assert found["rollups"] == served
    assert found["sources"] | {"as_of": served["as_of"]} == served


def test_the_program_tells_an_export_that_was_cut_off(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    save_export(stack, PEOPLE[0], path)
    lines = path.read_text("utf-8").split("\n")
    for kept in (lines[:-2], [*lines[:5], *lines[6:]]):
        path.write_text("\n".join(line for line in kept if line), "utf-8")
        with pytest.raises(subprocess.CalledProcessError) as failed:
            rebuilt(path)
        assert "not whole" in failed.value.stderr


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="the example is for a shell with curl")
def test_the_example_of_the_description_writes_the_whole_export(stack: Stack, tmp_path: Path) -> None:
    api = f"{stack.functions_url}/api"
    described = httpx.get(f"{api}/openapi.json").json()["paths"]["/me/export"]["get"]["description"]
    script = described.partition("```sh\n")[2].partition("```")[0].replace("me/export$", "me/export?limit=40$")
    script = script.replace("+?continuation", "+&continuation")
    environment = {"PATH": os.environ["PATH"], "API": api, "TOKEN": token(stack, PEOPLE[1])}
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "export.ndjson").read_text("utf-8").split("\n")
    assert sum('{"record":"continuation"' in line for line in written) > 2
    save_export(stack, PEOPLE[1], tmp_path / "expected.ndjson", limit=40)
    wanted = (tmp_path / "expected.ndjson").read_text("utf-8").split("\n")
    assert [line for line in written if '"record":"document"' in line] == [
        line for line in wanted if '"record":"document"' in line
    ]
    assert rebuilt(tmp_path / "export.ndjson") == rebuilt(tmp_path / "expected.ndjson")
