"""Withdrawals over the real engine: nothing counts afterwards, nothing is kept longer, whatever fails on the way."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ServiceResponseError

from cosmos.core.database import Database, Item
from cosmos.privacy import consents
from cosmos.privacy.consents import AFFECTED, Applied, Kept, Withdrawable
from functions.composition import Store
from models.accounts.profile import UserProfile
from models.core.errors import Contention
from models.core.identity import Person
from models.core.write_policy import DAY
from models.jobs.job import Job
from models.library.bookmark import UserBookmark, bookmark_id_of
from tests.cosmos.conftest import NOW
from tests.cosmos.counting.test_folding import fold_all, turns
from tests.cosmos.counting.test_rebuilding import plain, sums
from tests.models.examples import a_session, an_interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

Step = Callable[[str | None], Awaitable[Applied]]


async def a_user(store: Store, database: Database, person: Person, count: int = 60) -> list[Item]:
    """Turns of three weeks, a session and a bookmark: stored, and counted up to all time."""
    await store.users.ensure(person, NOW, NOW)
    of: dict[str, Any] = {"user_id": person.user_id, "partition_key": person.user_id}
    newest = {item["id"]: item for item in turns(person, count)}
    await asyncio.gather(*(database.user_interactions.create_item(plain(item)) for item in newest.values()))
    session = a_session(**of).body()
    await database.user_sessions.create_item(session)
    saved = UserBookmark.of(an_interaction().model_copy(update=of), NOW)
    bookmark = saved.model_copy(update={"id": bookmark_id_of(person.user_id, saved.interaction_id)}).body()
    await database.user_bookmarks.create_item(bookmark)
    await store.folding.fold("user_interactions", newest.values(), NOW)
    await store.folding.fold("user_sessions", [session], NOW)
    await store.folding.fold("user_bookmarks", [bookmark], NOW)
    await fold_all(store, database, person)
    return list(newest.values())


def promised(profile: UserProfile) -> Job:
    """What goes through the stored documents afterwards; here the tests do."""
    patience = timedelta(minutes=2)
    job_id = str(uuid.uuid5(uuid.UUID(profile.id), str(profile.revision)))
    return Job.promised(
        "withdrawal", job_id, profile.id, {}, NOW, due=timedelta(hours=1), patience=patience, asker="user"
    )


async def withdraw(store: Store, person: Person, consent: Withdrawable) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await store.consents.withdraw(profile, consent, NOW, promised)


async def all_pages(step: Step, patience: int = 1) -> int:
    """How many documents were changed; a page that fails is done again."""
    total, continuation = 0, None
    while True:
        for attempt in range(patience):
            try:
                page = await step(continuation)
                break
            except (AzureError, Contention):
                if attempt == patience - 1:
                    raise
        total, continuation = total + page.changed, page.continuation
        if continuation is None:
            return total


async def applied(store: Store, person: Person, consent: Withdrawable, patience: int = 1) -> dict[str, int]:
    """Every step of a withdrawal: how many documents each changed."""

    def step(container: Kept) -> Step:
        return lambda continuation: store.consents.apply(
            person.user_id, consent, container, continuation, datetime.now(UTC)
        )

    changed: dict[str, int] = {name: await all_pages(step(name), patience) for name in AFFECTED[consent]}
    if consent == "analytics_consent":
        changed["uncounted"] = await all_pages(
            lambda continuation: store.consents.uncount(person.user_id, continuation, NOW), patience
        )

        async def emptied(_: str | None) -> Applied:
            await store.consents.empty(person.user_id, NOW)
            return Applied(0, None)

        await all_pages(emptied, patience)
    return changed


async def items(container: Any, person: Person, kind: str) -> list[Item]:
    query = f"SELECT * FROM c WHERE c.kind = '{kind}'"
    return [item async for item in container.query_items(query, partition_key=person.user_id)]


async def counted(database: Database, person: Person) -> dict[str, Any]:
    """The rollups that hold anything."""
    return {name: held for name, held in (await sums(database, person)).items() if held}


async def test_everything_is_taken_out_page_by_page(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "DOCUMENTS_PER_PAGE", 7)
    await a_user(store, database, person)
    assert (await sums(database, person))["all_time"]["interactions"] == 60
    await withdraw(store, person, "analytics_consent")
    changed = await applied(store, person, "analytics_consent")
    assert changed == {"user_interactions": 60, "user_sessions": 1, "user_bookmarks": 1, "uncounted": 62}
    await fold_all(store, database, person)
    assert await counted(database, person) == {}
    again = await applied(store, person, "analytics_consent")
    assert set(again.values()) == {0}
    found = await store.rebuilding.rebuild(person.user_id, False, NOW)
    assert (found.drifted, found.sources_behind, found.sources_wrong) == ([], 0, 0)


async def test_what_is_not_kept_any_more_is_taken_out_too(store: Store, database: Database, person: Person) -> None:
    """Turns that have expired, and some whose ledger entries have, too."""
    stored = await a_user(store, database, person)
    for turn in stored[:20]:
        await database.user_interactions.delete_item(turn["id"], person.user_id)
    for turn in stored[:10]:
        await database.user_analytics.delete_item(f"ledger:interaction:{turn['id']}", person.user_id)
    await withdraw(store, person, "analytics_consent")
    changed = await applied(store, person, "analytics_consent")
    assert (changed["user_interactions"], changed["uncounted"]) == (40, 52)
    await fold_all(store, database, person)
    assert await counted(database, person) == {}


async def test_changes_that_the_feed_brings_later_or_again_count_nothing(
    store: Store, database: Database, person: Person
) -> None:
    before = await a_user(store, database, person)
    await withdraw(store, person, "analytics_consent")
    await applied(store, person, "analytics_consent")
    after = await items(database.user_interactions, person, "interaction")
    for batch in (before, after, before):
        await store.folding.fold("user_interactions", batch, NOW)
    await fold_all(store, database, person)
    assert await counted(database, person) == {}
    assert await items(database.user_analytics, person, "dead_letter") == []


async def test_the_feed_may_take_out_the_same_at_the_same_time(
    store: Store, database: Database, person: Person
) -> None:
    await a_user(store, database, person)
    await withdraw(store, person, "analytics_consent")
    for name in AFFECTED["analytics_consent"]:
        await store.consents.apply(person.user_id, "analytics_consent", name, None, NOW)
    stamped = await items(database.user_interactions, person, "interaction")
    await asyncio.gather(
        store.consents.uncount(person.user_id, None, NOW),
        store.folding.fold("user_interactions", stamped, NOW),
        store.folding.fold("user_interactions", stamped[::-1], NOW),
    )
    await store.consents.empty(person.user_id, NOW)
    await fold_all(store, database, person)
    assert await counted(database, person) == {}
    assert await items(database.user_analytics, person, "dead_letter") == []


@pytest.mark.parametrize("seed", range(4))
async def test_a_withdrawal_that_is_cut_off_anywhere_ends_the_same(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    cut = 0

    def unreliable(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def request(*arguments: Any, **options: Any) -> Any:
            nonlocal cut
            lost = chance.random()
            cut += lost < 0.2
            if lost < 0.1:
                raise ServiceResponseError("lost before it was done")
            answer = await real(*arguments, **options)
            if lost < 0.2:
                raise ServiceResponseError("lost after it was done")
            return answer

        return request

    await a_user(store, database, person, 30)
    await withdraw(store, person, "analytics_consent")
    with monkeypatch.context() as patched:
        for container in (database.user_interactions, database.user_sessions, database.user_bookmarks):
            patched.setattr(container, "patch_item", unreliable(container.patch_item))
        for name in ("execute_item_batch", "read_items", "replace_item"):
            patched.setattr(database.user_analytics, name, unreliable(getattr(database.user_analytics, name)))
        await applied(store, person, "analytics_consent", patience=60)
    assert cut > 5
    await fold_all(store, database, person)
    assert await counted(database, person) == {}
    assert all(turn["revision"] <= 3 for turn in await items(database.user_interactions, person, "interaction"))


async def test_retention_is_shortened_from_when_turns_took_place_and_never_lengthened(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    of: dict[str, Any] = {"user_id": person.user_id, "partition_key": person.user_id}
    ages = {"new": 0.0, "older": 20.0, "ancient": 300.0, "short": 0.0}
    for name, age in ages.items():
        turn = an_interaction(name, datetime.now(UTC) - timedelta(days=age)).model_copy(update=of)
        await database.user_interactions.create_item(turn.body() | ({"ttl": 5 * DAY} if name == "short" else {}))
    session = a_session(**of, last_activity=datetime.now(UTC) - timedelta(days=12))
    await database.user_sessions.create_item(session.body())
    await withdraw(store, person, "data_retention_consent")
    assert await applied(store, person, "data_retention_consent") == {"user_interactions": 3, "user_sessions": 1}
    kept = {turn["id"]: turn for turn in await items(database.user_interactions, person, "interaction")}
    days = {name: turn["ttl"] / DAY for name, turn in kept.items()}
    assert days == pytest.approx({"new": 30, "older": 10, "ancient": 1 / 24, "short": 5}, abs=0.01)
    assert {turn["revision"] for turn in kept.values()} == {1}
    (ended,) = await items(database.user_sessions, person, "session")
    assert ended["ttl"] / DAY == pytest.approx(18, abs=0.01)
    assert await applied(store, person, "data_retention_consent") == {"user_interactions": 0, "user_sessions": 0}


async def test_what_is_written_late_is_shortened_once(store: Store, database: Database, person: Person) -> None:
    """A second round finds nothing to do, also where the first one took its time to write."""
    await store.users.ensure(person, NOW, NOW)
    session = a_session(user_id=person.user_id, partition_key=person.user_id, last_activity=datetime.now(UTC))
    await database.user_sessions.create_item(session.body())
    await withdraw(store, person, "data_retention_consent")
    now = datetime.now(UTC)
    rounds = [
        await store.consents.apply(person.user_id, "data_retention_consent", "user_sessions", None, at)
        for at in (now - timedelta(seconds=20), now)
    ]
    assert [page.changed for page in rounds] == [1, 0]


async def test_taking_turns_out_of_analytics_keeps_nothing_longer(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    turn = an_interaction().model_copy(update={"user_id": person.user_id, "partition_key": person.user_id})
    await database.user_interactions.create_item(turn.body() | {"ttl": 2 * DAY})
    await withdraw(store, person, "analytics_consent")
    later = datetime.fromtimestamp(time.time() + DAY, UTC)
    await store.consents.apply(person.user_id, "analytics_consent", "user_interactions", None, later)
    (kept,) = await items(database.user_interactions, person, "interaction")
    assert kept["ttl"] / DAY == pytest.approx(1, abs=0.01)
    assert (kept["analytics_consent"], kept["revision"]) == (False, 2)


async def test_a_withdrawal_survives_edits_of_the_profile(store: Store, database: Database, person: Person) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await withdraw(store, person, "analytics_consent")
    again, job = await store.consents.withdraw(profile, "analytics_consent", NOW, promised)
    assert (again.analytics_consent, again.revision, job) == (False, 2, None)
    assert len(await items(database.users, person, "job")) == 1
    assert await store.consents.is_withdrawn(person.user_id, "analytics_consent", revision=2)
    assert await store.consents.is_withdrawn(person.user_id, "analytics_consent", revision=3) is None
    assert await store.consents.is_withdrawn(person.user_id, "analytics_consent")
    assert not await store.consents.is_withdrawn(person.user_id, "data_retention_consent")
    assert not await store.consents.is_withdrawn("00000000-0000-4000-8000-000000000000", "analytics_consent")
