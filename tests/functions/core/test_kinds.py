"""The contract of every declared kind with routes: one suite, run over all of them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from cosmos.core.containers import declared
from functions.composition import services
from functions.people.role_profiles import OF_PARENTS, OF_PUPILS
from models.core.kinds import Kind
from models.core.resource import Resource
from models.kinds import KINDS, undeclared
from tests.functions.calls import Headers, SignIn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAIN = {name: kind for name, kind in KINDS.items() if kind.plain}
Json = dict[str, Any]


@dataclass
class Subject:
    """One kind, and somebody who uses it."""

    kind: Kind[Any]
    api: httpx.AsyncClient
    headers: Headers

    @property
    def plain(self) -> Any:
        return self.kind.routes

    def path(self, made: Json) -> str:
        if self.plain.is_put:
            return "/" + "/".join([self.plain.path, *(made[name] for name in self.plain.key)])
        return f"/{self.plain.path}/{made['id']}"

    async def make(self, key: str | None = None, **changes: Any) -> httpx.Response:
        body = dict(self.plain.example) | changes
        if self.plain.is_put:
            values = {name: "agent" if name == "item_type" else key or uuid.uuid4().hex for name in self.plain.key}
            path = "/" + "/".join([self.plain.path, *values.values()])
            return await self.api.put(path, json=body, headers=self.headers)
        sent = self.headers | {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.api.post(f"/{self.plain.path}", json=body, headers=sent)

    async def made(self, key: str | None = None) -> Json:
        answer = await self.make(key)
        assert answer.status_code in (200, 201), answer.text
        content: Json = answer.json()
        return content

    async def listed(self, **query: Any) -> list[Json]:
        """All pages, of two each."""
        items: list[Json] = []
        continuation: str | None = None
        while True:
            params = query | {"limit": 2} | ({"continuation": continuation} if continuation else {})
            answer = await self.api.get(f"/{self.plain.path}", params=params, headers=self.headers)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            continuation = answer.json()["continuation"]
            if continuation is None:
                return items


@pytest.fixture(params=PLAIN)
def subject(request: pytest.FixtureRequest, api: httpx.AsyncClient, alice: Headers) -> Subject:
    return Subject(PLAIN[request.param], api, alice)


def can(*verbs: str) -> pytest.MarkDecorator:
    """Only the kinds that have routes for all of these."""
    names = [name for name, kind in PLAIN.items() if set(verbs) <= kind.routes.verbs]
    return pytest.mark.parametrize("subject", names, indirect=True)


DERIVED = {"student_profile": OF_PUPILS, "parent_profile": OF_PARENTS}
"""Kinds whose answers say more than what is stored."""


async def test_what_is_made_is_read_and_shows_what_its_marks_allow(subject: Subject) -> None:
    made = await subject.made()
    derived = DERIVED.get(subject.kind.name)
    assert set(made) == set((derived.shown if derived else subject.kind.shown).model_fields)
    assert not {"partition_key", "kind", "ttl", "request_hash", "mentions"} & set(made)
    read = await subject.api.get(subject.path(made), headers=subject.headers)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, made, f'"{made["revision"]}"')


async def test_made_again_it_is_the_same(subject: Subject) -> None:
    first, second = await subject.make("once"), await subject.make("once")
    assert first.status_code == second.status_code
    assert (first.json(), first.headers["etag"]) == (second.json(), second.headers["etag"])
    if not subject.plain.single:
        assert len(await subject.listed()) == 1


async def test_a_key_with_another_body_is_refused(subject: Subject) -> None:
    if subject.plain.is_put:
        pytest.skip("what is put is replaced")
    await subject.make("once")
    changed = dict(subject.plain.changes) or {}
    again = await subject.make("once", **changed)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (422, "key-reused")


@pytest.mark.parametrize("field", ["id", "created_at", "updated_at", "user_id", "revision", "deleted_at", "mentions"])
async def test_what_the_server_keeps_is_refused(subject: Subject, field: str) -> None:
    answer = await subject.make(**{field: "2026-11-20T10:00:00Z"})
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [f"/{field}"])


@can("list")
async def test_a_list_has_all_pages_newest_first_and_narrows(subject: Subject) -> None:
    made = [await subject.made() for _ in range(5)]
    assert [item["id"] for item in await subject.listed()] == [item["id"] for item in reversed(made)]
    for name in subject.plain.filters:
        wanted = made[0][name]
        found = await subject.listed(**{name: wanted})
        assert [item["id"] for item in found] == [item["id"] for item in reversed(made) if item[name] == wanted]


@can("edit")
async def test_an_edit_goes_by_the_etag(subject: Subject) -> None:
    if subject.plain.key:
        pytest.skip("what is put is replaced")
    made = await subject.made()
    path, changes = subject.path(made), dict(subject.plain.changes)
    assert (await subject.api.patch(path, json=changes, headers=subject.headers)).status_code == 428
    stale = subject.headers | {"If-Match": '"99"'}
    assert (await subject.api.patch(path, json=changes, headers=stale)).status_code == 412
    current = subject.headers | {"If-Match": f'"{made["revision"]}"'}
    edited = await subject.api.patch(path, json=changes, headers=current)
    assert edited.status_code == 200, edited.text
    assert edited.json()["revision"] == made["revision"] + 1
    assert edited.json()["updated_at"] > made["updated_at"]
    assert {name: edited.json()[name] for name in changes} == changes
    assert (await subject.api.patch(path, json=changes, headers=current)).status_code == 412


@can("edit")
async def test_every_field_can_be_changed_in_one_edit(subject: Subject) -> None:
    if subject.plain.key:
        pytest.skip("what is put is replaced")
    made = await subject.made()
    widest = {name: made[name] for name in subject.kind.editable} | dict(subject.plain.changes)
    sent = subject.headers | {"If-Match": f'"{made["revision"]}"'}
    edited = await subject.api.patch(subject.path(made), json=widest, headers=sent)
    assert edited.status_code == 200, edited.text


@can("delete", "restore")
async def test_deleted_it_is_nowhere_until_it_is_restored(subject: Subject) -> None:
    made = await subject.made()
    path = subject.path(made)
    if not subject.plain.is_put:
        assert (await subject.api.delete(path, headers=subject.headers)).status_code == 428
    sent = subject.headers | {"If-Match": f'"{made["revision"]}"'}
    assert (await subject.api.delete(path, headers=sent)).status_code == 204
    assert (await subject.api.get(path, headers=subject.headers)).status_code == 404
    assert (await subject.api.delete(path, headers=sent)).status_code == 404
    if not subject.plain.single:
        assert await subject.listed() == []
    back = await subject.api.post(f"{path}/restore", headers=subject.headers)
    assert back.status_code == 200, back.text
    assert back.json() | {"revision": 0, "updated_at": ""} == made | {"revision": 0, "updated_at": ""}
    if not subject.plain.single:
        assert len(await subject.listed()) == 1


async def test_somebody_elses_is_not_there(subject: Subject, sign_in: SignIn) -> None:
    made = await subject.made()
    other = Subject(subject.kind, subject.api, sign_in(f"{uuid.uuid4().hex}@contoso.example"))
    path = subject.path(made)
    assert (await subject.api.get(path, headers=other.headers)).status_code == 404
    assert (await subject.api.delete(path, headers=other.headers | {"If-Match": "*"})).status_code == 404
    assert (await subject.api.post(f"{path}/restore", headers=other.headers)).status_code == 404
    if not subject.plain.single:
        assert await other.listed() == []
        assert len(await subject.listed()) == 1


async def test_it_is_exported_and_erased(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    made = await subject.made()
    lines = (await subject.api.get("/me/export", headers=subject.headers)).text.splitlines()
    exported = [line["document"] for line in map(json.loads, lines) if line["record"] == "document"]
    assert made["id"] in [document["id"] for document in exported if document["kind"] == subject.kind.name]
    erasure = (await subject.api.delete("/me", headers=subject.headers)).json()

    async def completed() -> bool:
        nonlocal erasure
        erasure = (await subject.api.get(f"/erasures/{erasure['id']}", headers=subject.headers)).json()
        return bool(erasure["status"] == "completed")

    await until(completed)
    assert erasure["deleted"][subject.kind.container][subject.kind.name] == 1


async def test_what_is_asked_for_is_indexed() -> None:
    for kind in PLAIN.values():
        included = {part["path"] for part in declared()[str(kind.container)]["indexingPolicy"]["includedPaths"]}
        asked = {"kind", *(() if kind.routes.single else ("deleted_at", kind.routes.order.field)), *kind.routes.filters}
        assert {f"/{name}/?" for name in asked} <= included, kind.name


async def test_documents_that_name_people_are_found_by_an_index() -> None:
    for kind in KINDS.values():
        if "mentions" in kind.model.model_fields and not issubclass(kind.model, Resource):
            assert kind.mentioned, f"{kind.name} names people: say what an erasure does with it"
        if kind.mentioned:
            included = {part["path"] for part in declared()[str(kind.container)]["indexingPolicy"]["includedPaths"]}
            assert "/mentions/[]/?" in included, kind.name


async def test_every_document_is_of_a_declared_kind() -> None:
    assert undeclared() == []
