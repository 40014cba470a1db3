"""Usernames: nobody else's, however they are written, until they are let go."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest

from functions.composition import services
from tests.functions.calls import Headers, SignIn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def somebody(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example")


async def edited(api: httpx.AsyncClient, headers: Headers, **changes: Any) -> httpx.Response:
    etag = (await api.get("/me", headers=headers)).headers["etag"]
    return await api.patch("/me", json=changes, headers=headers | {"If-Match": etag})


async def test_a_name_is_one_users_until_they_let_it_go(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    alice, bob, name = somebody(sign_in), somebody(sign_in), f"Krishna.{uuid.uuid4().hex[:8]}"
    taken = await edited(api, alice, username=name)
    assert (taken.status_code, taken.json()["username"]) == (200, name)
    refused = await edited(api, bob, username=name.upper())
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vimarsh:problem:name-taken")
    assert (await edited(api, alice, username=name.lower())).json()["username"] == name.lower()
    assert (await edited(api, bob, username=name)).status_code == 409
    assert (await edited(api, alice, username=f"{name}2")).status_code == 200
    assert (await edited(api, bob, username=name)).status_code == 200
    assert (await edited(api, bob, username=None)).json()["username"] is None
    assert (await edited(api, alice, username=name)).status_code == 200


async def test_of_many_who_want_a_name_at_once_one_has_it(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    people, name = [somebody(sign_in) for _ in range(8)], f"one-{uuid.uuid4().hex[:8]}"
    answers = await asyncio.gather(*(edited(api, one, username=name) for one in people))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]


async def test_of_two_names_at_once_the_one_that_is_not_shown_is_free(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    alice, bob, name = somebody(sign_in), somebody(sign_in), f"two-{uuid.uuid4().hex[:8]}"
    sent = alice | {"If-Match": (await api.get("/me", headers=alice)).headers["etag"]}
    names = [f"{name}-a", f"{name}-b"]
    answers = await asyncio.gather(*(api.patch("/me", json={"username": one}, headers=sent) for one in names))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    shown = (await api.get("/me", headers=alice)).json()["username"]
    (free,) = set(names) - {shown}
    assert (await edited(api, bob, username=shown)).status_code == 409
    assert (await edited(api, bob, username=free)).status_code == 200


@pytest.mark.parametrize("name", ["ab", ".dot", "dot.", "with space", "ü-umlaut", "a" * 33, ""])
async def test_a_name_is_plain(api: httpx.AsyncClient, alice: Headers, name: str) -> None:
    answer = await edited(api, alice, username=name)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/username")


async def test_a_name_is_exported_and_free_after_an_erasure(
    api: httpx.AsyncClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    alice, bob, name = somebody(sign_in), somebody(sign_in), f"gone-{uuid.uuid4().hex[:8]}"
    await edited(api, alice, username=name)
    lines = (await api.get("/me/export", headers=alice)).text.splitlines()
    kinds = [line["document"]["kind"] for line in map(json.loads, lines) if line["record"] == "document"]
    assert "username_claim" in kinds
    erasure = (await api.delete("/me", headers=alice)).json()

    async def completed() -> bool:
        nonlocal erasure
        erasure = (await api.get(f"/erasures/{erasure['id']}", headers=alice)).json()
        return bool(erasure["status"] == "completed")

    await until(completed)
    assert erasure["deleted"]["users"]["username_claim"] == 1
    assert (await edited(api, bob, username=name)).status_code == 200


async def test_a_profile_says_more_of_its_user(api: httpx.AsyncClient, alice: Headers) -> None:
    profile = (await api.get("/me", headers=alice)).json()
    assert (profile["full_name"], profile["first_name"], profile["last_name"]) == ("Alice Liddell", "Alice", "Liddell")
    assert (profile["is_active"], profile["avatar_url"], profile["updated_at"]) == (True, None, None)
    said = {
        "phone": "+4915112345678",
        "department": "Physics",
        "onboarding_completed": True,
        "notification_settings": {"email": False, "weekly_digest": True, "exam_ready": "push"},
        "metadata": {"crm": {"id": 7}},
        "user_preferences": {"theme": "dark", "sidebar_collapsed": True},
    }
    shown = (await edited(api, alice, **said)).json()
    assert {name: shown[name] for name in said} == said
    assert shown["updated_at"] is not None
    merged = await edited(api, alice, notification_settings={"email": None, "in_app": True}, metadata=None, phone=None)
    assert merged.json()["notification_settings"] == {"weekly_digest": True, "exam_ready": "push", "in_app": True}
    assert (merged.json()["metadata"], merged.json()["phone"]) == ({}, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "0151 123"),
        ("notification_settings", {"email": "yes"}),
        ("onboarding_completed", None),
        ("updated_at", "2026-11-20T10:00:00Z"),
        ("created_by_id", "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c"),
        ("full_name", "Alice"),
    ],
)
async def test_what_can_not_be_so_is_refused(api: httpx.AsyncClient, alice: Headers, field: str, value: Any) -> None:
    assert (await edited(api, alice, **{field: value})).status_code == 422


async def test_what_is_too_large_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    answer = await edited(api, alice, metadata={"notes": "x" * 17_000})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:preferences-too-large")
