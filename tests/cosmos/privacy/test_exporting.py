"""What an export reads, and how it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import cosmos.privacy.exporting
from cosmos.core.database import Database, connect
from cosmos.privacy.exporting import Exporting
from functions.composition import Store
from local.cosmosdb.server import serve_in_thread
from local.provision import DATABASE, WELL_KNOWN_KEY, Account, provision, read_definitions
from models.core.identity import Person, email_claim_id_of
from models.kinds import KINDS
from tests.conftest import ROOT
from tests.cosmos.conftest import NOW

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_address_that_somebody_else_holds_is_theirs(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    claim = email_claim_id_of(person.tenant_id, str(person.email))
    manifest, outside, progress = await store.exporting.begin(person.user_id, NOW)
    assert [line.document["id"] for line in outside] == [claim]
    assert manifest.counts["users"] == {"profile": 1, "email_claim": 1}
    assert progress.counts == {"users": {"email_claim": 1}}
    other = [{"op": "set", "path": "/user_id", "value": "33333333-3333-4333-8333-333333333333"}]
    await database.users.patch_item(claim, claim, other)
    manifest, outside, progress = await store.exporting.begin(person.user_id, NOW)
    assert (outside, manifest.counts["users"], progress.counts) == ([], {"profile": 1}, {})


async def test_kinds_that_are_counted_in_parts_add_up(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database counts what it has come to see by the end of a page, and goes on with the same kind in the next."""
    parts: dict[str | None, tuple[list[dict[str, Any]], str | None]] = {
        None: ([{"kind": "ledger", "documents": 266_311}, {"kind": "rollup", "documents": 2}], "2"),
        "2": ([], "3"),
        "3": ([{"kind": "ledger", "documents": 135_659}], None),
    }

    async def in_parts(
        container: Any, query: str, parameters: Any, limit: int, continuation: str | None, key: str
    ) -> Any:
        return parts[continuation]

    monkeypatch.setattr(cosmos.privacy.exporting, "page_of", in_parts)
    manifest, _, _ = await Exporting(database, KINDS).begin(person.user_id, NOW)
    assert manifest.counts["user_analytics"] == {"ledger": 401_970, "rollup": 2}


async def test_a_page_that_ends_with_a_container_goes_on_with_the_next(store: Store, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    _, _, progress = await store.exporting.begin(person.user_id, NOW)
    places = []
    while progress.container:
        lines, progress = await store.exporting.page(person.user_id, progress, 1)
        places.append((len(lines), progress.container, progress.continuation))
    assert places == [(1, "user_sessions", None), (1, "user_interactions", None), (0, None, None)]
    assert progress.end().counts == {
        "users": {"email_claim": 1, "profile": 1},
        "user_sessions": {"allowance": 1},
    }


@pytest.fixture
def splitting() -> Iterator[str]:
    """An engine whose containers begin with one range, which can be split."""
    with serve_in_thread(partitions=1, fault_injection=True) as url:
        with Account(url) as account:
            provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))
        yield url


async def split(url: str, ranges: list[str]) -> list[str]:
    """Splits all ranges of the bookmarks, and names those that there are then."""
    async with httpx.AsyncClient(base_url=url) as engine:
        for number in ranges:
            wanted = {"database": DATABASE, "container": "user_bookmarks", "range": number}
            answer = (await engine.post("/_local/split", json=wanted)).raise_for_status()
    return [place["id"] for place in answer.json()["ranges"]]


async def test_a_partition_that_moves_to_another_range_goes_on_where_it_was(splitting: str, person: Person) -> None:
    user_id, ranges, lines = person.user_id, ["0"], list[str]()
    names = [f"note-{number:02}" for number in range(20)]
    async with connect(f"AccountEndpoint={splitting};AccountKey={WELL_KNOWN_KEY};") as client:
        database = Database.of(client, DATABASE)
        for name in names:
            await database.user_bookmarks.create_item({"id": name, "partition_key": user_id, "kind": "note"})
        exporting = Exporting(database, KINDS)
        _, _, progress = await exporting.begin(user_id, NOW)
        while progress.container:
            some, progress = await exporting.page(user_id, progress, 4)
            lines += some
            if len(ranges) < 8:
                ranges = await split(splitting, ranges)
    assert len(ranges) == 8
    assert sorted(json.loads(line)["document"]["id"] for line in lines) == names
