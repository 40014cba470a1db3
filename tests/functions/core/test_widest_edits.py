"""Every edit that the API takes, with all its fields at once."""

from __future__ import annotations

import asyncio
import importlib
import uuid
from typing import Any

import httpx
import pytest

from functions.core.operation import Operation
from local.entra.identity import TENANT_ID
from local.functions.host import FunctionHost
from models.core.changes import Changes
from models.kinds import KINDS
from tests.functions.calls import Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

EDITS: dict[str, dict[str, Any]] = {
    "edit_me": {
        "user_preferences": {"theme": "dark"},
        "username": "Alice.Liddell",
        "phone": "+4915112345678",
        "department": "Physics",
        "birth_year": 1990,
        "onboarding_completed": True,
        "notification_settings": {"email": False},
        "metadata": {"crm": 7},
        "preferred_language": "fr",
        "timezone": "Europe/Paris",
        "data_retention_consent": False,
        "analytics_consent": False,
        "text_storage_consent": False,
        "marketing_consent": True,
    },
    "edit_session": {
        "is_active": False,
        "completed_successfully": True,
        "timezone": "Europe/Paris",
        "title": "Bees",
        "is_pinned": True,
        "is_archived": True,
        "folder": "Nature",
        "tags": ["bees"],
    },
    "edit_bookmark": {
        "bookmark_title": "Another",
        "bookmark_tags": ["a", "b"],
        "bookmark_notes": "See also",
        "bookmark_collection": "Wisdom",
        "is_favorite": True,
    },
    "give_feedback": {"user_rating": 5, "user_feedback": "Good.", "was_helpful": True, "was_shared": True},
    "edit_feedback": {"feedback_text": "More of it.", "is_public": True, "rating": 4, "shows_name": True},
}

ELSEWHERE = {f"edit_{name}": kind.editable for name, kind in KINDS.items() if kind.plain and kind.routes.single} | {
    "edit_assignment": frozenset({"effective_to", "is_primary", "reason"}),
    "edit_role": frozenset({"description", "permissions"}),
    "edit_organization": frozenset({"description", "is_active", "name", "settings", "timezone"}),
    "run_organization": frozenset({"bound_tenant_id", "is_verified", "seat_limit"}),
}
"""Edits of what each user has one of: the suite of kinds makes them; and of organizations, in a test below. Those of
roles and their assignments have tests of their own."""


async def test_they_are_all_here(host: FunctionHost) -> None:
    described = importlib.import_module("function_app").DESCRIBED
    operations: list[Operation] = [operation for routes in described for operation in routes.operations]
    edits = {one.name: one.body for one in operations if one.body and issubclass(one.body, Changes)}
    assert {name: sorted(body.model_fields) for name, body in edits.items()} == {
        name: sorted(fields) for name, fields in [*EDITS.items(), *ELSEWHERE.items()]
    }


@pytest.mark.parametrize("name", EDITS)
async def test_it_takes_all_its_fields_at_once(api: httpx.AsyncClient, alice: Headers, name: str) -> None:
    session_id = await a_session(api, alice)
    turn = (await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)).json()
    saved = (await api.post("/bookmarks", json={"interaction_id": turn["id"]}, headers=alice)).json()
    comment = {"item_type": "agent", "item_id": "socrates", "feedback_type": "suggestion"}
    said = (await api.post("/me/feedback", json=comment, headers=alice)).json()
    path = {
        "edit_feedback": f"/me/feedback/{said['id']}",
        "edit_me": "/me",
        "edit_session": f"/sessions/{session_id}",
        "edit_bookmark": f"/bookmarks/{saved['id']}",
        "give_feedback": f"/interactions/{turn['id']}",
    }[name]
    edited = await api.patch(path, json=EDITS[name], headers=alice | {"If-Match": "*"})
    assert edited.status_code == 200, edited.text
    expected = EDITS[name] | ({"user_preferences": {"theme": "dark"}} if name == "edit_me" else {})
    assert {field: edited.json()[field] for field in expected} == expected


async def test_an_organization_takes_all_its_fields_at_once(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    staff = sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])
    body = {"organization_type": "team", "name": f"Team {uuid.uuid4().hex}"}
    path = f"/organizations/{(await api.post('/organizations', json=body, headers=staff)).json()['organization_id']}"
    said = {"name": f"T {uuid.uuid4().hex}", "description": "Us", "settings": {"a": [1]}, "timezone": "Asia/Kolkata"}
    edited = await api.patch(path, json=said | {"is_active": False}, headers=staff | {"If-Match": "*"})
    assert {name: edited.json()[name] for name in said} == said
    run = {"seat_limit": 5, "bound_tenant_id": TENANT_ID, "is_verified": True}
    answer = (await api.patch(f"/admin{path}", json=run, headers=staff | {"If-Match": "*"})).json()
    assert (answer["seat_limit"], answer["bound_tenant_id"]) == (5, TENANT_ID)
    assert answer["verified_at"] is not None


@pytest.mark.parametrize("what", ["sessions", "bookmarks", "bookmarks of several turns", "interactions", "admissions"])
async def test_one_new_key_by_many_at_once_makes_one_thing(api: httpx.AsyncClient, alice: Headers, what: str) -> None:
    session_id = await a_session(api, alice)
    turns = [
        (await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)).json()["id"]
        for _ in range(2)
    ]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    posts: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "sessions": ("/sessions", [{}]),
        "bookmarks": ("/bookmarks", [{"interaction_id": turns[0]}]),
        "bookmarks of several turns": ("/bookmarks", [{"interaction_id": turn} for turn in turns]),
        "interactions": (f"/sessions/{session_id}/interactions", [a_turn()]),
        "admissions": ("/admissions", [{"model": "gpt-4o-mini", "input_tokens": 1, "max_output_tokens": 1}]),
    }
    path, bodies = posts[what]
    if what == "bookmarks":  # also where the turn was saved before, under no key
        await api.post(path, json=bodies[0], headers=alice)
    sent = [api.post(path, json=bodies[n % len(bodies)], headers=alice | key) for n in range(10)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} <= ({201} if len(bodies) == 1 else {201, 422})
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1


async def test_an_interaction_that_is_none_is_not_there(api: httpx.AsyncClient, alice: Headers) -> None:
    await api.get("/me", headers=alice)
    for name in ("~erasure-progress", "erasure-progress", "allowance"):
        path = f"/interactions/{name}"
        answer = await api.patch(path, json={"user_rating": 5}, headers=alice | {"If-Match": "*"})
        assert answer.status_code == 404
