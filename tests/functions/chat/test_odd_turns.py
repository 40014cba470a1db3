"""What real clients send, over HTTP: every script and size, odd fields, other spellings, the provider's own usage."""

from __future__ import annotations

import gzip
import json
import uuid
from codecs import BOM_UTF8
from typing import Any

import httpx
import pytest

from functions.composition import services
from models.accounts.limits import LimitTable
from tests.functions.calls import Headers, SignIn, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPTS = {
    "russian": "Счастье ",
    "arabic": "السعادة ",
    "greek": "ευτυχία ",
    "hebrew": "אושר ",
    "hindi": "सुख ",
    "emoji": "😀🎉",
}
CLAUDE = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
ANTHROPIC = {"input_tokens": 3, "cache_creation_input_tokens": 12_304, "output_tokens": 550}


def of(script: str, characters: int) -> str:
    return (SCRIPTS[script] * characters)[:characters]


async def record(api: httpx.AsyncClient, headers: Headers, content: Any) -> httpx.Response:
    session_id = await a_session(api, headers)
    if isinstance(content, bytes):
        return await api.post(f"/sessions/{session_id}/interactions", content=content, headers=headers)
    return await api.post(f"/sessions/{session_id}/interactions", json=content, headers=headers)


@pytest.mark.parametrize("script", SCRIPTS)
async def test_long_texts_of_every_script_are_taken_together_and_counted_once(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str, script: str
) -> None:
    session_id = str(uuid.uuid4())
    items = [
        an_item(an_email, session_id, response_text=of(script, 25_000), timestamp="2026-11-30T20:00:00Z")
        for _ in range(20)
    ]
    for status in (201, 200):
        results = await ingest(api, chat_server, *items)
        assert [(result["id"], result["status"]) for result in results] == [(item["id"], status) for item in items]
    turns = (await api.get(f"/sessions/{session_id}/interactions?limit=100", headers=sign_in(an_email))).json()["items"]
    assert [turn["interaction_sequence"] for turn in turns] == list(range(1, 21))
    assert {len(turn["response_text"]) for turn in turns} == {25_000}


async def test_the_longest_turn_is_taken_however_it_is_escaped(api: httpx.AsyncClient, alice: Headers) -> None:
    emoji = of("emoji", 175_000)
    for content in (a_turn(response_text=emoji), json.dumps(a_turn(response_text=emoji)).encode()):
        answer = await record(api, alice, content)
        assert (answer.status_code, answer.json()["response_length"]) == (201, 175_000)
    widest = a_turn(
        user_query=of("emoji", 40_000), response_text=of("emoji", 210_000), rag_sources_used=["😀" * 600] * 70
    )
    answer = await record(api, alice, widest)
    assert answer.status_code == 201
    assert answer.json()["adjusted"].keys() == {"user_query", "response_text", "rag_sources_used"}


async def test_bodies_with_halves_of_emoji_a_mark_or_compression_are_read(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    halved = json.dumps(a_turn(user_query="Why \ud83d?")).encode()
    assert b"\\ud83d" in halved
    answer = await record(api, alice, halved)
    assert (answer.status_code, answer.json()["user_query"]) == (201, "Why \ufffd?")
    assert list(answer.json()["adjusted"]) == ["user_query"]
    plain = json.dumps(a_turn()).encode()
    for content in (
        BOM_UTF8 + plain,
        gzip.compress(plain, mtime=0),
        gzip.compress(BOM_UTF8 + plain, mtime=0),
        plain.decode().encode("utf-16"),
    ):
        answer = await record(api, alice, content)
        assert (answer.status_code, answer.json()["adjusted"]) == (201, {})
    session = await api.post("/sessions", content=gzip.compress(BOM_UTF8 + b"{}", mtime=0), headers=alice)
    assert session.status_code == 201


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (gzip.compress(b" " * 5_000_000, mtime=0), 413),
        (gzip.compress(b"{}", mtime=0)[:-6], 400),
        (b"\x1f\x8bnonsense", 400),
        (b"[" * 100_000, 400),
        (b'{"a": ' * 2000, 400),
    ],
)
async def test_bodies_that_can_not_be_read_are_refused(
    api: httpx.AsyncClient, alice: Headers, content: bytes, status: int
) -> None:
    assert (await record(api, alice, content)).status_code == status


async def test_an_odd_turn_is_recorded_and_says_what_was_changed(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn
) -> None:
    odd = a_turn(
        user_query="",
        response_text=None,
        user_query_language="en_US",
        rag_sources_used=["x" * 513, *(f"s{number}" for number in range(65))],
        user_rating=9,
        colour="blue",
    )
    turn = (await record(api, alice, odd)).json()
    changed = {"response_text", "user_query_language", "rag_sources_used", "user_rating", "colour"}
    assert turn["adjusted"].keys() == changed
    assert (turn["user_query"], turn["response_text"], turn["user_query_language"]) == ("", "", "en-US")
    assert len(turn["rag_sources_used"]) == 64
    stored = await api.get(f"/interactions/{turn['id']}", headers=alice)
    assert stored.json()["adjusted"] == turn["adjusted"]


async def test_in_a_batch_only_what_can_not_be_counted_fails_alone(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str
) -> None:
    def item(**changes: Any) -> dict[str, Any]:
        return an_item(an_email, str(uuid.uuid4()), **changes)

    lost_zone = item()
    lost_zone["user"] = lost_zone["user"] | {"timezone": "Etc/Unknown"}
    once = item()
    sent: list[Any] = [
        *("no object", None, []),
        item(ip_address=""),
        item(user_query="x" * 32_001, store_texts=False),
        item(output_tokens=None),
        lost_zone,
        *(once, once),
        item(user_query=[{"type": "image_url", "image_url": "data:"}]),
    ]
    content = json.dumps({"turns": [*sent, item(user_query="half \udc00")]}).encode()
    answer = await api.post("/ingest/turns", content=content, headers=chat_server)
    results = answer.json()["items"]
    assert [result["status"] for result in results] == [422, 422, 422, 201, 201, 422, 201, 201, 200, 201, 201]
    assert [list(result["adjusted"]) for result in results[3:]] == [
        *(["ip_address"], ["user_query"], [], ["user.timezone"], [], [], ["user_query"], ["user_query"])
    ]


async def test_the_providers_usage_object_is_counted_and_priced(api: httpx.AsyncClient, alice: Headers) -> None:
    turn = a_turn(model_used=CLAUDE, usage=ANTHROPIC)
    del turn["input_tokens"], turn["output_tokens"]
    recorded = (await record(api, alice, turn)).json()
    assert (recorded["model_used"], recorded["model_sent"]) == ("claude-3-7-sonnet", CLAUDE)
    assert (recorded["cost_usd"], recorded["total_tokens"]) == (0.054399, 12_857)
    assert (recorded["input_tokens"], recorded["cache_write_5m_tokens"]) == (3, 12_304)
    hour = {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 12_304}}
    assert (await record(api, alice, turn | {"usage": ANTHROPIC | hour})).json()["cost_usd"] == 0.082083
    reported = (await record(api, alice, turn | {"usage": ANTHROPIC | {"cost": 0.05}})).json()
    assert (reported["cost_usd"], reported["reported_cost_usd"]) == (0.054399, 0.05)
    refused = await record(api, alice, turn | {"usage": {"seconds": 3}})
    assert refused.status_code == 422


async def test_the_same_turn_with_counts_or_with_usage_is_one(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id, key = await a_session(api, alice), {"Idempotency-Key": uuid.uuid4().hex}
    counted = a_turn(input_tokens=4, cached_input_tokens=6, output_tokens=2)
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 6}}
    reported = a_turn(usage=usage)
    del reported["input_tokens"], reported["output_tokens"]
    answers = [
        await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice | key)
        for turn in (counted, reported)
    ]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        ("Etc/Unknown", "UTC"),
        ("asia/kolkata", "Asia/Kolkata"),
        ("India Standard Time", "Asia/Kolkata"),
        ("", "UTC"),
        ("x" * 5000, "UTC"),
        (None, "UTC"),
    ],
)
async def test_no_zone_keeps_a_chat_from_beginning(
    api: httpx.AsyncClient, alice: Headers, named: str | None, zone: str
) -> None:
    answer = await api.post("/sessions", json={"timezone": named}, headers=alice)
    assert (answer.status_code, answer.json()["timezone"]) == (201, zone)
    assert answer.json()["adjusted"] == ({} if named is None else {"timezone": f"taken for {zone}"})


async def test_an_unknown_zone_is_the_profiles(api: httpx.AsyncClient, alice: Headers) -> None:
    etag = (await api.get("/me", headers=alice)).headers["ETag"]
    edited = await api.patch("/me", json={"timezone": "europe/paris"}, headers=alice | {"If-Match": etag})
    assert (edited.status_code, edited.json()["timezone"]) == (200, "Europe/Paris")
    answer = await api.post("/sessions", json={"timezone": "Etc/Unknown"}, headers=alice)
    assert answer.json()["timezone"] == "Europe/Paris"


async def test_an_export_breaks_lines_only_between_records(api: httpx.AsyncClient, alice: Headers) -> None:
    text = "one\u2028two\u2029three\u0085four"
    await record(api, alice, a_turn(response_text=text))
    lines = (await api.get("/me/export", headers=alice)).text.splitlines()
    records = [json.loads(line) for line in lines]
    assert text in [record["document"].get("response_text") for record in records if record["record"] == "document"]


async def test_an_admission_reserves_what_a_cache_may_cost_and_may_be_refused_without_a_price(
    api: httpx.AsyncClient, alice: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = {"model": CLAUDE, "input_tokens": 1000, "max_output_tokens": 100}
    admitted = await api.post("/admissions", json=estimate, headers=alice)
    assert admitted.json()["reserved_cost_usd"] == 0.0075  # 6 and 15 USD a million
    unpriced = estimate | {"model": "our-own:14b"}
    assert (await api.post("/admissions", json=unpriced, headers=alice)).status_code == 201
    monkeypatch.setattr(services().settings, "refuse_unpriced", True)
    refused = await api.post("/admissions", json=unpriced, headers=alice)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:vimarsh:problem:unpriced-model")
    monkeypatch.setattr(services().settings, "limits", LimitTable.model_validate({"day": {"queries": 9}}))
    assert (await api.post("/admissions", json=unpriced, headers=alice)).status_code == 201
