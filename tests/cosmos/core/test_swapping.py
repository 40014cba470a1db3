"""Conditional writes: one reading of why one was not made, and one way to make it again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from cosmos.core.database import Database, Item
from cosmos.core.swapping import ATTEMPTS, Outrun, delete, repeat, swap, transact, write_over, written_over
from models.core.errors import Contention
from models.core.identity import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def body(person: Person) -> Item:
    return {"id": str(uuid.uuid4()), "partition_key": person.user_id, "count": 0}


async def why(attempt: Callable[[], Awaitable[Any]]) -> tuple[str, int]:
    with pytest.raises(Outrun) as outrun:
        await attempt()
    return outrun.value.why, outrun.value.index


async def test_what_is_not_as_it_was_is_not_written_over(database: Database, person: Person, body: Item) -> None:
    container, partition = database.user_sessions, person.user_id
    first = await write_over(container, body, None)
    assert await why(lambda: write_over(container, body, None)) == ("exists", 0)
    second = await write_over(container, body | {"count": 1}, first["_etag"])
    assert await why(lambda: write_over(container, body, first["_etag"])) == ("changed", 0)
    assert await why(lambda: delete(container, body["id"], partition, first["_etag"])) == ("changed", 0)
    await delete(container, body["id"], partition, second["_etag"])
    assert await why(lambda: write_over(container, body, second["_etag"])) == ("gone", 0)
    assert await why(lambda: delete(container, body["id"], partition)) == ("gone", 0)


async def test_a_transaction_says_which_operation_came_too_late(database: Database, person: Person, body: Item) -> None:
    other = body | {"id": str(uuid.uuid4())}
    stored = await write_over(database.user_sessions, other, None)
    for etag, expected in ((None, ("exists", 1)), ("other", ("changed", 1))):
        operations = [written_over(body, None), written_over(other, etag)]
        assert await why(partial(transact, database.user_sessions, operations, person.user_id)) == expected
    made = await transact(
        database.user_sessions, [written_over(body, None), written_over(other, stored["_etag"])], person.user_id
    )
    assert [result["statusCode"] for result in made] == [201, 200]


async def test_what_is_too_large_is_nobodys_condition(database: Database, body: Item) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await write_over(database.user_sessions, body | {"text": "x" * 3_000_000}, None)
    assert refused.value.status_code == 413


async def test_others_are_let_through_and_then_it_is_given_up(database: Database, person: Person, body: Item) -> None:
    container = database.user_sessions
    await write_over(container, body, None)
    tries = 0

    async def outrun() -> None:
        nonlocal tries
        tries += 1
        raise Outrun("changed")

    with pytest.raises(Contention, match=f"it was changed by others {ATTEMPTS} times"):
        await repeat("it", outrun)
    assert tries == ATTEMPTS

    def counted(held: Item | None) -> Item:
        assert held is not None
        return held | {"count": held["count"] + 1}

    await asyncio.gather(*(swap(container, body["id"], person.user_id, counted) for _ in range(5)))
    assert (await container.read_item(body["id"], person.user_id))["count"] == 5
