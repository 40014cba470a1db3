"""A key is given up: what it wraps is brought under the newest, and stays what it was."""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, cast

import pytest

from cosmos.core.database import Database
from cosmos.core.rewrapping import rewrap
from models.core.document import Message
from models.core.fields import SECRET, changes_model, given_model, shown_model
from models.core.kinds import Kind
from models.core.sealing import RANDOM_BYTES, FieldKeys, Sealed, Unsealable, place, seal, unseal

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Connection(Message):
    """Stands in for a kind with secrets. No `Document`: the app would miss it in its list of kinds."""

    container: ClassVar[str] = "users"
    kind: str = "connection_of_tests"
    name: str = ""
    api_key: Annotated[Sealed, SECRET]
    password: Annotated[Sealed | None, SECRET] = None


KIND: Kind[Any] = Kind(model=cast(Any, Connection), capability="core")
OLD, BOTH, NEW = FieldKeys({"1": "a" * 32}), FieldKeys({"1": "a" * 32, "2": "b" * 32}), FieldKeys({"2": "b" * 32})


def sealed(item_id: str, field: str, keys: FieldKeys) -> dict[str, str]:
    where = place("users", item_id, item_id, field)
    return seal(f"{field} of {item_id}", where, keys, os.urandom(RANDOM_BYTES)).model_dump()


async def test_all_that_is_sealed_is_brought_under_the_newest_key(database: Database) -> None:
    documents: dict[str, dict[str, Any]] = {
        "old": {"api_key": sealed("old", "api_key", OLD), "password": None},
        "half": {"api_key": sealed("half", "api_key", BOTH), "password": sealed("half", "password", OLD)},
        "new": {"api_key": sealed("new", "api_key", BOTH), "password": None},
    }
    for name, fields in documents.items():
        common: dict[str, Any] = {"id": name, "partition_key": name, "kind": KIND.name, "revision": 7}
        await database.users.upsert_item(common | fields)
    with pytest.raises(Unsealable):
        await rewrap(database, [KIND], NEW)
    assert [await rewrap(database, [KIND], BOTH) for _ in range(2)] == [2, 0]
    for name in documents:
        item = await database.users.read_item(name, name)
        assert item["revision"] == 7
        for field in KIND.secrets:
            if item[field]:
                value = Sealed.model_validate(item[field])
                assert unseal(value, place("users", name, name, field), NEW) == f"{field} of {name}"


async def test_a_client_gives_a_text_and_is_shown_nothing() -> None:
    model = cast(Any, Connection)
    given, changes, shown = (
        given_model(model, "NewConnection"),
        changes_model(model, "ConnectionChanges"),
        shown_model(model, "ConnectionView"),
    )
    for message in (given, changes):
        schema = message.model_json_schema()["properties"]
        assert schema["api_key"]["format"] == "password"
        assert schema["api_key"]["writeOnly"] is True
        assert set(schema) == {"api_key", "password"}
    assert not KIND.secrets & shown.model_fields.keys()
    assert "sk-1234" not in repr(given.model_validate_json('{"api_key": "sk-1234"}'))
    assert "sk-1234" not in given.model_validate_json('{"api_key": "sk-1234"}').model_dump_json()
