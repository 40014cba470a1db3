"""What the directory says, put on profiles that change meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
import pytest_asyncio

from cosmos.core.database import Database
from cosmos.core.patching import set_fields
from cosmos.core.swapping import Outrun
from functions.composition import Store
from models.accounts.directory import DirectoryEntry
from models.accounts.profile import UserProfile
from models.core.identity import Person
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def profile(store: Store, person: Person) -> UserProfile:
    return await store.users.ensure(person, NOW, NOW)


async def test_of_two_processes_one_asks(store: Store, database: Database, profile: UserProfile) -> None:
    for time in (NOW, NOW + timedelta(days=1)):
        first = await store.directory.begin(profile, time)
        assert first is not None
        assert first.graph_attempted_at == time
        assert await Store.of(database, PRICES, PSEUDONYMS).directory.begin(profile, time) is None
        profile = first


async def test_an_answer_is_not_put_over_an_edit(store: Store, database: Database, profile: UserProfile) -> None:
    begun = await store.directory.begin(profile, NOW)
    assert begun is not None
    edits = [*set_fields({"preferred_language": "fr"}), {"op": "incr", "path": "/revision", "value": 1}]
    await database.users.patch_item(profile.id, profile.id, edits)
    assert await store.directory.fill(begun, DirectoryEntry(preferred_language="hi"), NOW) is None
    stored = await store.users.find(profile.id)
    assert stored is not None
    assert (stored.preferred_language, stored.graph_synced_at) == ("fr", None)


async def test_the_revision_counts_what_changed(store: Store, profile: UserProfile) -> None:
    begun = await store.directory.begin(profile, NOW)
    assert begun is not None
    filled = await store.directory.fill(begun, DirectoryEntry(job_title="Librarian"), NOW)
    assert filled is not None
    assert (filled.job_title, filled.revision) == ("Librarian", profile.revision + 1)
    same = await store.directory.fill(filled, DirectoryEntry(job_title="Librarian"), NOW + timedelta(days=1))
    assert same is not None
    assert (same.graph_synced_at, same.revision) == (NOW + timedelta(days=1), filled.revision)


async def test_a_profile_that_is_gone_is_an_error(store: Store, database: Database, profile: UserProfile) -> None:
    await database.users.delete_item(profile.id, profile.id)
    with pytest.raises(Outrun):
        await store.directory.begin(profile, NOW)
