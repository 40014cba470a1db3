"""The API guide's code runs as it stands there, over the local stack; only signing in by a browser is left out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.simulation.stack import Stack, local_stack
from local.entra.identity import TENANT_ID, oid_of

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "api-guide.md").read_text(encoding="utf-8")
NODE = shutil.which("node")

SIGNED_IN = """
export const config = { api: process.env.API };
export const accessToken = async () => process.env.TOKEN;
"""

ONE_SESSION = """
import { createServer } from "node:http";
import { call, items, Problem } from "./api.js";
import { setLanguage } from "./language.js";
import { ask, modelAt, startSession } from "./turn.js";

const usage = {
  prompt_tokens: 100, completion_tokens: 30,
  prompt_tokens_details: { cached_tokens: 40 }, completion_tokens_details: { reasoning_tokens: 10 },
};
const chat = createServer((request, response) => {
  if (request.url === "/none") return response.writeHead(500).end();
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const event = (data) => response.write(`data: ${JSON.stringify(data)}\\n\\n`);
  event({ choices: [{ delta: { content: "Wisdom is " } }] });
  if (request.url === "/broken") return setTimeout(() => response.destroy(), 50);
  event({ choices: [{ delta: { content: "knowing." } }] });
  event({ choices: [], usage });
  response.end("data: [DONE]\\n\\n");
});
await new Promise((ready) => chat.listen(0, "127.0.0.1", ready));
const at = (path) => modelAt(`http://127.0.0.1:${chat.address().port}${path}`, "gpt-4o-mini");

await call("GET", "/me");
const session = await startSession();
const shown = [];
const turn = await ask(session, "What is wisdom?", at("/chat"), (text) => shown.push(text));
const broken = await ask(session, "And folly?", at("/broken"), () => {});
const failed = await ask(session, "And time?", at("/none"), () => {}).catch((error) => error.message);
const wrong = await call("POST", `/sessions/${session}/interactions`, { body: {}, key: "k" }).catch((error) => error);
const found = [];
for await (const item of items("/interactions", { limit: "1" })) found.push(item.user_query);
const { content: used } = await call("GET", "/me/usage");
const profile = await setLanguage("hi");
chat.close();
console.log(JSON.stringify({
  turn, broken, failed, found, shown, language: profile.preferred_language,
  reserved: used.limits.map((limit) => limit.reserved),
  wrong: [wrong instanceof Problem, wrong.status, wrong.type],
}));
"""


def code(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with local_stack() as stack:
        yield stack


def test_a_server_records_a_turn_for_a_user(stack: Stack) -> None:
    (source,) = code("python")
    for there, here in (("http://127.0.0.1:7071", stack.functions_url), ("http://127.0.0.1:8400", stack.entra_url)):
        assert there in source
        source = source.replace(there, here)
    names: dict[str, Any] = {}
    exec(compile(source, "server.py", "exec"), names)
    email = "ines@contoso.example"
    user = {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "name": "Ines"}
    with names["client"]() as api:
        answer = names["turn"](api, user, str(uuid.uuid4()), "What is wisdom?")
    assert (answer["status"], answer["error"]) == (201, None)


@pytest.mark.skipif(NODE is None, reason="needs Node.js 20 or later")
def test_a_page_asks_shows_and_records(stack: Stack, tmp_path: Path) -> None:
    for source in code("js"):
        named = re.match(r"// (\w+\.js):", source)
        (tmp_path / (named[1] if named else "language.js")).write_text(source, "utf-8")
    (tmp_path / "auth.js").write_text(SIGNED_IN, "utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    (tmp_path / "main.js").write_text(ONE_SESSION, "utf-8")
    choice = {"email": "mina@contoso.example"}
    token = httpx.post(f"{stack.entra_url}/_local/token", json=choice).raise_for_status().json()["access_token"]
    environment = {"API": f"{stack.functions_url}/api", "TOKEN": token}
    command = [str(NODE), str(tmp_path / "main.js")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    counts = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
    assert [said["turn"][name] for name in counts] == [60, 40, 20, 10]
    assert (said["turn"]["response_text"], said["turn"]["response_quality"]) == ("Wisdom is knowing.", "medium")
    assert said["shown"] == ["Wisdom is ", "Wisdom is knowing."]
    assert (said["broken"]["response_text"], said["broken"]["response_quality"]) == ("Wisdom is ", "fallback")
    assert said["failed"] == "The model answered with 500."
    assert said["found"] == ["And folly?", "What is wisdom?"]
    assert set(said["reserved"]) == {0}
    assert said["wrong"] == [True, 422, "urn:vimarsh:problem:invalid"]
    assert said["language"] == "hi"
