"""Bookmarks and the marks on their turns, with a crash between the two."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from cosmos.core.database import Database
from functions.composition import Store
from models.chat.interaction import UserInteraction
from models.core.errors import Contention, NotFound, Stale
from models.core.identity import Person
from models.core.revisions import Revisions
from models.library.bookmark import DeletedBookmark, UserBookmark
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS, an_interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Crash(Exception):
    pass


@pytest_asyncio.fixture(loop_scope="session")
async def turn(database: Database, person: Person) -> UserInteraction:
    turn = an_interaction(f"turn-{uuid.uuid4()}", partition_key=person.user_id, user_id=person.user_id)
    await database.user_interactions.create_item(turn.body())
    return turn


async def _crash(*_: Any, **__: Any) -> None:
    raise Crash


async def test_a_crash_after_saving_is_healed_by_saving_again(
    store: Store, turn: UserInteraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookmark = UserBookmark.of(turn, NOW)
    with monkeypatch.context() as patched:
        patched.setattr(store.bookmarks, "_mark", _crash)
        with pytest.raises(Crash):
            await store.bookmarks.save(turn, bookmark)
    assert (await store.turns.read(turn.user_id, turn.id)).was_bookmarked is False
    assert await store.bookmarks.save(turn, UserBookmark.of(turn, NOW + timedelta(hours=1))) == bookmark
    assert (await store.turns.read(turn.user_id, turn.id)).was_bookmarked is True


async def test_a_crash_after_deleting_is_healed_by_deleting_again(
    store: Store, turn: UserInteraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    with monkeypatch.context() as patched:
        patched.setattr(store.bookmarks, "_mark", _crash)
        with pytest.raises(Crash):
            await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW)
    assert (await store.turns.read(turn.user_id, turn.id)).was_bookmarked is True
    await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW)
    assert (await store.turns.read(turn.user_id, turn.id)).was_bookmarked is False


async def test_a_mark_that_comes_late_changes_nothing(store: Store, turn: UserInteraction) -> None:
    saved = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW)
    again = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    before = await store.turns.read(turn.user_id, turn.id)
    assert (again.revision, before.was_bookmarked, before.bookmark_revision) == (3, True, 3)
    await store.bookmarks._mark(DeletedBookmark.of(saved, NOW), saved=False)
    await store.bookmarks._mark(saved, saved=True)
    assert await store.turns.read(turn.user_id, turn.id) == before


async def test_saving_what_is_saved_writes_nothing_more(store: Store, turn: UserInteraction) -> None:
    await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    marked = await store.turns.read(turn.user_id, turn.id)
    await store.bookmarks.save(marked, UserBookmark.of(marked, NOW))
    assert await store.turns.read(turn.user_id, turn.id) == marked


async def test_the_feed_sees_what_was_deleted(store: Store, database: Database, turn: UserInteraction) -> None:
    saved = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW, bookmark_notes="mine"))
    await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW + timedelta(hours=1))
    item = await database.user_bookmarks.read_item(saved.id, turn.user_id)
    deleted = DeletedBookmark.parse(item)
    assert (deleted.revision, deleted.bookmarked_at, deleted.deleted_at) == (2, NOW, NOW + timedelta(hours=1))
    assert "mine" not in str(item)


async def test_an_edit_of_another_process_is_seen(store: Store, database: Database, turn: UserInteraction) -> None:
    saved = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    elsewhere = Store.of(database, PRICES, PSEUDONYMS)
    edited = await elsewhere.bookmarks.edit(turn.user_id, saved.id, Revisions.of(1), {"is_favorite": True})
    with pytest.raises(Stale):
        await store.bookmarks.edit(turn.user_id, saved.id, Revisions.of(1), {"bookmark_notes": "late"})
    with pytest.raises(Stale):
        await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW)
    assert await store.bookmarks.find(turn.user_id, saved.id) == edited
    await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(2), NOW)
    with pytest.raises(NotFound):
        await store.bookmarks.open(turn.user_id, saved.id, NOW)


async def test_a_deletion_that_always_loses_gives_up(
    store: Store, turn: UserInteraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW))
    held = store.bookmarks._held

    async def then_opened(user_id: str, bookmark_id: str) -> Any:
        found = await held(user_id, bookmark_id)
        await store.bookmarks.open(user_id, bookmark_id, NOW)
        return found

    monkeypatch.setattr(store.bookmarks, "_held", then_opened)
    with pytest.raises(Contention):
        await store.bookmarks.delete(turn.user_id, saved.id, Revisions.of(1), NOW)
