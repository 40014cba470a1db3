"""The export, over HTTP: everything that is held about the user, whatever its kind, and nothing of anybody else."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cosmos.core.database import Database, connect
from local.entra.identity import TENANT_ID
from models.core.identity import email_claim_id_of
from models.privacy.export import ExportedDocument, ExportEnd, ExportLine, Manifest, MoreToCome
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

Line = Manifest | ExportedDocument | MoreToCome | ExportEnd
Page = list[Line]
Document = dict[str, Any]

CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@dataclass(frozen=True)
class User:
    email: str
    headers: Headers
    id: str

    @classmethod
    async def signed_in(cls, api: httpx.AsyncClient, sign_in: SignIn) -> User:
        email = f"{uuid.uuid4().hex[:12]}@contoso.example"
        headers = sign_in(email)
        return cls(email, headers, (await api.get("/me", headers=headers)).json()["id"])

    def note(self, name: str, text: str = "") -> Document:
        """A document of a kind to come."""
        return {"id": name, "partition_key": self.id, "kind": "note", "schema_version": 3, "text": text}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def regular(api: httpx.AsyncClient, sign_in: SignIn, database: Database, drained: Drain) -> User:
    """Somebody who has used everything there is, of whom staff have read, and who has documents of a kind to come."""
    user = await User.signed_in(api, sign_in)
    path = f"/sessions/{await a_session(api, user.headers)}/interactions"
    turns = [(await api.post(path, json=a_turn(), headers=user.headers)).json() for _ in range(9)]
    for turn in turns[:2]:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        answer = await api.post("/bookmarks", json={"interaction_id": turn["id"]}, headers=user.headers | key)
    saved = {"If-Match": answer.headers["etag"]}
    await api.delete(f"/bookmarks/{answer.json()['id']}", headers=user.headers | saved)
    staff = sign_in("root@contoso.example", roles=["Vimarsh.Admin"]) | {"X-Audit-Reason": "A complaint"}
    assert (await api.get(f"/admin/users/{user.id}/interactions", headers=staff)).status_code == 200
    broken = {key: value for key, value in turns[0].items() if key not in ("output_tokens", "ttl")}
    broken["id"] = str(uuid.uuid4())
    await database.user_interactions.create_item(broken)
    for container in CONTAINERS:
        await getattr(database, container).create_item(user.note(f"note-{container}", "नमस्ते\u2028"))
    await drained()
    await database.user_interactions.delete_item(broken["id"], user.id)  # its letter stays
    return user


@pytest_asyncio.fixture(loop_scope="session")
async def newcomer(api: httpx.AsyncClient, sign_in: SignIn, database: Database) -> User:
    """Somebody with a profile, an allowance, and 20 documents of a kind to come."""
    user = await User.signed_in(api, sign_in)
    for number in range(20):
        container = database.user_bookmarks if number % 2 else database.users
        await container.create_item(user.note(f"note-{number}"))
    return user


async def page_of(api: httpx.AsyncClient, headers: Headers, **query: Any) -> Page:
    answer = await api.get("/me/export", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.endswith("\n")
    return [ExportLine.model_validate_json(line).root for line in answer.text.split("\n")[:-1]]


async def pages_of(api: httpx.AsyncClient, headers: Headers, **query: Any) -> list[Page]:
    """A whole export."""
    pages = [await page_of(api, headers, **query)]
    while isinstance(last := pages[-1][-1], MoreToCome):
        pages.append(await page_of(api, headers, **query | {"continuation": last.continuation}))
    return pages


def documents_in(pages: list[Page]) -> list[tuple[str, Document]]:
    lines = (line for page in pages for line in page)
    return [(line.container, line.document) for line in lines if isinstance(line, ExportedDocument)]


def names_in(pages: list[Page]) -> Counter[tuple[str, str]]:
    """Container and id of each document, with how often it is there."""
    return Counter((container, document["id"]) for container, document in documents_in(pages))


def counts_in(pages: list[Page]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for container, document in documents_in(pages):
        kinds = counts.setdefault(container, {})
        kinds[document["kind"]] = kinds.get(document["kind"], 0) + 1
    return counts


async def held(cosmos_url: str, user_id: str, email: str) -> list[tuple[str, Document]]:
    """What the database holds in the user's partitions and in that of their address."""
    found: list[tuple[str, Document]] = []
    async with httpx.AsyncClient() as http:
        places = [(container, user_id) for container in CONTAINERS] + [("users", email_claim_id_of(TENANT_ID, email))]
        for container, partition in places:
            wanted = {"database": "vimarsh", "container": container, "query": "SELECT * FROM c"}
            url = f"{cosmos_url.rstrip('/')}/_local/query"
            rows = (await http.post(url, json=wanted | {"partition_key": partition})).json()["rows"]
            found += [(container, {key: row[key] for key in row if not key.startswith("_")}) for row in rows]
    return found


def by_name(documents: list[tuple[str, Document]]) -> list[tuple[str, Document]]:
    return sorted(documents, key=lambda document: (document[0], document[1]["id"]))


@pytest.mark.parametrize("limit", [1000, 7, 1])
async def test_everything_that_is_held_is_exported_once(
    api: httpx.AsyncClient, regular: User, cosmos_url: str, limit: int
) -> None:
    pages = await pages_of(api, regular.headers, limit=limit)
    assert by_name(documents_in(pages)) == by_name(await held(cosmos_url, regular.id, regular.email))
    assert all(len(documents_in([page])) <= limit + (number == 0) for number, page in enumerate(pages))
    kinds = {kind for counts in counts_in(pages).values() for kind in counts}
    assert kinds >= {
        *("profile", "email_claim", "audit", "session", "allowance", "turn_claim", "interaction", "rollup", "ledger"),
        *("risk_window", "dead_letter", "bookmark", "deleted_bookmark", "bookmark_request", "note"),
    }


async def test_a_manifest_comes_first_and_what_was_sent_comes_last(api: httpx.AsyncClient, regular: User) -> None:
    pages = await pages_of(api, regular.headers, limit=10)
    first, *others = [line for page in pages for line in page if not isinstance(line, ExportedDocument)]
    end = others.pop()
    assert isinstance(first, Manifest)
    assert isinstance(end, ExportEnd)
    assert pages[0][0] is first
    assert all(isinstance(line, MoreToCome) for line in others)
    assert len(others) == len(pages) - 1 > 3
    assert (first.user_id, first.format_version) == (regular.id, 1)
    assert first.counts == end.counts == counts_in(pages)
    assert first.schema_versions["interaction"] == 1
    assert "note" not in first.schema_versions
    assert (end.schema_versions["interaction"], end.schema_versions["note"]) == ([1], [3])


async def test_an_export_of_somebody_new_has_no_documents(api: httpx.AsyncClient, alice: Headers) -> None:
    manifest, end = await page_of(api, alice)
    assert isinstance(manifest, Manifest)
    assert isinstance(end, ExportEnd)
    assert manifest.counts == {container: {} for container in CONTAINERS}
    assert end.counts == {}


async def test_what_is_there_all_the_while_is_exported_once_whatever_else_happens(
    api: httpx.AsyncClient, newcomer: User, database: Database
) -> None:
    before = names_in(await pages_of(api, newcomer.headers))
    notes = sorted(name for container, name in before if container == "user_bookmarks")
    pages = [await page_of(api, newcomer.headers, limit=2)]
    while isinstance(last := pages[-1][-1], MoreToCome):
        done = len(pages)
        if done == 3:
            await database.user_bookmarks.delete_item(notes[-1], newcomer.id)
        if done <= 12:
            await database.user_bookmarks.create_item(newcomer.note(f"added-{done}"))
        edited = newcomer.note(notes[done % (len(notes) - 1)], f"on page {done}")
        await database.user_bookmarks.replace_item(edited["id"], edited)
        pages.append(await page_of(api, newcomer.headers, limit=2, continuation=last.continuation))
    assert isinstance(last, ExportEnd)
    assert last.counts == counts_in(pages)
    names = names_in(pages)
    assert set(names.values()) == {1}
    assert before.keys() - {("user_bookmarks", notes[-1])} <= names.keys()


async def test_large_documents_make_shorter_pages(api: httpx.AsyncClient, newcomer: User, database: Database) -> None:
    for number in range(30):
        await database.user_bookmarks.create_item(newcomer.note(f"large-{number}", "ॐ" * 100_000))
    query: dict[str, str] = {}
    sizes, found = [], 0
    while True:
        answer = await api.get("/me/export", params=query, headers=newcomer.headers)
        sizes.append(len(answer.content))
        found += answer.text.count('"id":"large-')
        last = ExportLine.model_validate_json(answer.text.split("\n")[-2]).root
        if not isinstance(last, MoreToCome):
            break
        query = {"continuation": last.continuation}
    assert found == 30
    assert max(sizes) < 1_500_000 + 4 * 2**20
    assert len(sizes) >= 3


async def test_a_continuation_is_its_users_own(api: httpx.AsyncClient, newcomer: User, alice: Headers) -> None:
    last = (await page_of(api, newcomer.headers, limit=1))[-1]
    assert isinstance(last, MoreToCome)
    for headers, continuation in (
        (alice, last.continuation),
        (newcomer.headers, last.continuation[:-4] + "AAA="),
        (newcomer.headers, "AAAA"),
        (newcomer.headers, ""),
    ):
        answer = await api.get("/me/export", params={"continuation": continuation}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation")
    elsewhere = {"continuation": last.continuation}
    assert (await api.get("/interactions", params=elsewhere, headers=newcomer.headers)).status_code == 400


@pytest.mark.parametrize("status", ["suspended", "blocked"])
async def test_an_account_that_may_not_write_is_exported(
    api: httpx.AsyncClient, newcomer: User, database: Database, status: str
) -> None:
    operations = [{"op": "set", "path": "/account_status", "value": status}]
    await database.users.patch_item(newcomer.id, newcomer.id, operations)
    exported = documents_in(await pages_of(api, newcomer.headers))
    (profile,) = (document for _, document in exported if document["kind"] == "profile")
    assert profile["account_status"] == status


async def test_what_is_asked_for_must_make_sense(api: httpx.AsyncClient, alice: Headers) -> None:
    for query in ({"limit": "0"}, {"limit": "2001"}, {"kind": "profile"}, {"continuation": "ä"}):
        assert (await api.get("/me/export", params=query, headers=alice)).status_code == 422


async def test_an_export_is_for_people_who_are_signed_in(api: httpx.AsyncClient, chat_server: Headers) -> None:
    assert (await api.get("/me/export")).status_code == 401
    assert (await api.get("/me/export", headers=chat_server)).status_code == 403


async def test_each_line_is_described(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    content = document["paths"]["/me/export"]["get"]["responses"]["200"]["content"]
    assert content["application/x-ndjson"]["schema"] == {
        "type": "string",
        "contentMediaType": "application/x-ndjson",
        "contentSchema": {"$ref": "#/components/schemas/ExportLine"},
    }
    assert document["components"]["schemas"]["ExportLine"]["discriminator"]["propertyName"] == "record"
