"""Edits that are guarded by the revision."""

from __future__ import annotations

import uuid

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from cosmos.core.database import Database
from cosmos.core.patching import edit, patch, set_fields
from cosmos.core.swapping import Outrun
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.errors import NotFound, Stale
from models.core.identity import Person
from models.library.bookmark import UserBookmark
from tests.models.examples import NOON, a_session, an_interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stored(database: Database, person: Person) -> UserSession:
    name, user_id = str(uuid.uuid4()), person.user_id
    session = a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id)
    await database.user_sessions.create_item(session.body())
    return session


def in_paris(session: UserSession) -> UserSession:
    return session.model_copy(update={"timezone": "Europe/Paris"})


async def test_what_others_set_without_counting_the_revision_stays(database: Database, person: Person) -> None:
    session = await stored(database, person)
    operations = [{"op": "set", "path": "/total_tokens", "value": 7}]
    await database.user_sessions.patch_item(session.id, session.user_id, operations)
    edited = await edit(database.user_sessions, session, in_paris(session))
    assert (edited.timezone, edited.total_tokens, edited.revision) == ("Europe/Paris", 7, 2)


async def test_an_edit_of_an_older_revision_is_stale(database: Database, person: Person) -> None:
    session = await stored(database, person)
    await edit(database.user_sessions, session, in_paris(session))
    with pytest.raises(Stale):
        await edit(database.user_sessions, session, session.model_copy(update={"timezone": "Asia/Tokyo"}))


async def test_an_edit_may_ask_for_more_than_the_revision(database: Database, person: Person) -> None:
    session = await stored(database, person)
    with pytest.raises(Stale):
        await edit(database.user_sessions, session, in_paris(session), "c.last_sequence = 5")
    assert (await edit(database.user_sessions, session, in_paris(session), "c.last_sequence = 0")).revision == 2


async def test_without_a_difference_nothing_is_written(database: Database, person: Person) -> None:
    session = await stored(database, person)
    assert await edit(database.user_sessions, session, session.model_copy()) is session
    assert (await database.user_sessions.read_item(session.id, session.user_id))["revision"] == 1


async def test_what_is_gone_can_not_be_edited(database: Database, person: Person) -> None:
    session = await stored(database, person)
    await database.user_sessions.delete_item(session.id, session.user_id)
    with pytest.raises(NotFound):
        await edit(database.user_sessions, session, in_paris(session))


async def test_a_condition_that_the_database_does_not_understand_is_an_error(
    database: Database, person: Person
) -> None:
    session = await stored(database, person)
    with pytest.raises(CosmosHttpResponseError, match="BadRequest"):
        await edit(database.user_sessions, session, in_paris(session), "c.last_sequence ==== 0")


@pytest.mark.parametrize("fields", [1, 9, 10, 11, 25])
async def test_an_edit_takes_any_number_of_fields_all_or_none(database: Database, person: Person, fields: int) -> None:
    item_id = str(uuid.uuid4())
    await database.user_sessions.create_item({"id": item_id, "partition_key": person.user_id, "guard": 1})
    operations = set_fields({f"field_{number}": number for number in range(fields)})
    patched = await patch(database.user_sessions, item_id, person.user_id, operations, "c.guard = 1")
    assert {f"field_{number}": number for number in range(fields)}.items() <= patched.items()
    again = set_fields({f"field_{number}": -1 for number in range(fields)})
    for name, condition, why in ((item_id, "c.guard = 2", "changed"), (str(uuid.uuid4()), "true", "gone")):
        with pytest.raises(Outrun) as outrun:
            await patch(database.user_sessions, name, person.user_id, again, condition)
        assert outrun.value.why == why
    kept = await database.user_sessions.read_item(item_id, person.user_id)
    assert kept["field_0"] == 0


@pytest.mark.parametrize("example", [a_session(), an_interaction(), UserBookmark.of(an_interaction(), NOON)])
async def test_an_edit_may_change_every_field_of_a_document(
    database: Database, person: Person, example: UserSession | UserInteraction | UserBookmark
) -> None:
    container = getattr(database, example.container)
    after = example.model_copy(update={"id": str(uuid.uuid4()), "partition_key": person.user_id})
    ours = ("id", "partition_key", "kind", "schema_version", "revision")
    bare = {name: value for name, value in after.body().items() if name in ours}
    await container.create_item(bare)
    before = type(after).model_construct(**bare)
    assert await edit(container, before, after) == after.model_copy(update={"revision": 2})
