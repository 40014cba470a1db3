from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from local.functions.change_feed import FeedRange
from local.functions.host import FunctionHost
from local.functions.lease_balance import leases_to_take
from local.functions.leases import Lease, LeaseLostError, LeaseStore
from tests.local.functions.host_helpers import Feed, feed_app, until, until_drained

NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def lease(owner: str | None, number: int = 0) -> Lease:
    name = f"{number}"
    return Lease(name, FeedRange(name, name + "F"), None, owner, owner and f"{owner}'s life", NOW, "etag")


@pytest.mark.parametrize(
    ("owners", "taken"),
    [
        ([None, None, None, None], 4),
        (["me", "me", None, None], 2),
        (["other", "other", "other", "other"], 1),
        (["other", "other", "me", "me"], 0),
        (["other", "other", "other", "me"], 1),
        (["a", "a", "b", "b"], 1),
        (["a", "a", "b", "me"], 0),
        (["a", "b", "c", "me"], 0),
        (["a", "b", "c", "d"], 0),
        (["a", "a", None, None], 2),
        (["me", "me", "me", None], 1),
        ([], 0),
    ],
)
def test_hosts_take_about_the_same_number_of_leases(owners: list[str | None], taken: int) -> None:
    leases = [lease(owner, number) for number, owner in enumerate(owners)]
    assert len(leases_to_take(leases, "me", lambda lease: lease.owner is None)) == taken


def test_a_lease_is_taken_from_the_host_that_has_most() -> None:
    leases = [lease(owner, number) for number, owner in enumerate(["a", "b", "b", "b", "b", "a"])]
    assert [lease.owner for lease in leases_to_take(leases, "me", lambda lease: False)] == ["b"]


def store_of(feed: Feed, owner: str = "me", incarnation: str = "now") -> LeaseStore:
    return LeaseStore(feed.leases, "prefix", "rid/=", owner, incarnation)


async def new_lease(store: LeaseStore) -> Lease:
    await store.create(FeedRange("", "FF"), "start")
    (lease,) = await store.read_all()
    assert await store.acquire(lease)
    return lease


async def test_lease_is_free_if_released_expired_or_of_an_earlier_life(feed: Feed) -> None:
    store = store_of(feed, "me", "now")

    def is_free(owner: str | None, incarnation: str | None, age: timedelta) -> bool:
        held = lease(owner)
        held.incarnation = incarnation
        return store.is_free(held, NOW + age, MINUTE)

    assert is_free(None, None, timedelta())
    assert is_free("other", "x", 2 * MINUTE)
    assert is_free("me", "before", timedelta())
    assert not is_free("me", "now", timedelta())
    assert not is_free("other", "before", MINUTE / 2)


async def test_leases_of_other_containers_and_prefixes_are_not_mine(feed: Feed) -> None:
    await store_of(feed).create(FeedRange("", "FF"), None)
    assert len(await store_of(feed).read_all()) == 1
    assert await LeaseStore(feed.leases, "prefix", "other", "me", "now").read_all() == []
    assert await LeaseStore(feed.leases, "", "rid/=", "me", "now").read_all() == []


async def test_existing_lease_is_not_made_again(feed: Feed) -> None:
    store = store_of(feed)
    held = await new_lease(store)
    await store.create(FeedRange("", "FF"), "elsewhere")
    assert (await store.read(held)).continuation == "start"


async def test_only_one_of_two_hosts_acquires_a_lease(feed: Feed) -> None:
    mine, theirs = store_of(feed), store_of(feed, "other")
    await mine.create(FeedRange("", "FF"), None)
    (seen_by_me,), (seen_by_them,) = await mine.read_all(), await theirs.read_all()
    assert await mine.acquire(seen_by_me)
    assert not await theirs.acquire(seen_by_them)
    assert (await mine.read(seen_by_me)).owner == "me"


async def test_checkpoint_is_stored_and_renewal_keeps_it(feed: Feed) -> None:
    store = store_of(feed)
    held = await new_lease(store)
    await store.checkpoint(held, "further")
    await store.renew(held)
    stored = await store.read(held)
    assert (stored.continuation, stored.owner, stored.etag) == ("further", "me", held.etag)


async def test_who_has_lost_a_lease_cannot_advance_or_release_it(feed: Feed) -> None:
    mine, theirs = store_of(feed), store_of(feed, "other")
    held = await new_lease(mine)
    (stolen,) = await theirs.read_all()
    assert await theirs.acquire(stolen)
    with pytest.raises(LeaseLostError):
        await mine.checkpoint(held, "further")
    assert held.is_lost
    assert held.continuation == "start"
    with pytest.raises(LeaseLostError):
        await mine.renew(held)
    await mine.release(held)
    stored = await theirs.read(stolen)
    assert (stored.owner, stored.continuation) == ("other", "start")


async def test_later_life_of_a_host_takes_its_leases_from_the_earlier_one(feed: Feed) -> None:
    before, now = store_of(feed, incarnation="before"), store_of(feed, incarnation="now")
    held = await new_lease(before)
    (found,) = await now.read_all()
    assert now.is_free(found, datetime.now(UTC), MINUTE)
    assert await now.acquire(found)
    with pytest.raises(LeaseLostError):
        await before.checkpoint(held, "further")


async def test_write_that_was_made_though_it_was_answered_with_an_error_is_no_loss(feed: Feed) -> None:
    store = store_of(feed)
    held = await new_lease(store)
    stale = held.etag
    await store.renew(held)
    held.etag = stale  # as if the answer to the renewal had never come
    await store.checkpoint(held, "further")
    assert (await store.read(held)).continuation == "further"
    assert not held.is_lost


async def test_deleted_lease_is_lost(feed: Feed) -> None:
    store = store_of(feed)
    held = await new_lease(store)
    await store.delete(await store.read(held))
    with pytest.raises(LeaseLostError):
        await store.renew(held)


FAST = {"lease_acquire_interval": 50, "lease_renew_interval": 100, "lease_expiration_interval": 1500}


class NotedHost:
    """A host whose function notes the ids that it gets."""

    def __init__(self, feed: Feed, name: str, **options: int) -> None:
        self.name = name
        self.ids: list[str] = []
        app, decorator = feed_app(**{**FAST, **options})

        @decorator
        async def on_change(docs: func.DocumentList) -> None:
            self.ids.extend(document["id"] for document in docs)

        self.host = FunctionHost(app, settings=feed.settings, instance=name)


async def owners(feed: Feed) -> list[str]:
    return sorted(str(document["Owner"]) for document in await feed.lease_documents())


async def test_two_hosts_share_the_ranges_and_one_takes_over_when_the_other_ends(feed: Feed) -> None:
    one, two = NotedHost(feed, "one"), NotedHost(feed, "two")

    async def is_shared() -> bool:
        return await owners(feed) == ["one", "one", "two", "two"]

    async with one.host:
        async with two.host:
            await until(is_shared)
            for number in range(40):
                await feed.write(f"{number}", pk=f"p{number}")
            await until(lambda: {*one.ids, *two.ids} == {f"{number}" for number in range(40)})
            await until_drained(one.host)
            await until_drained(two.host)
            assert one.ids
            assert two.ids
        before = len(one.ids)
        for number in range(40, 80):
            await feed.write(f"{number}", pk=f"p{number}")
        await until(lambda: set(one.ids[before:]) >= {f"{number}" for number in range(40, 80)})
        assert await owners(feed) == ["one"] * 4


async def test_ranges_of_a_dead_host_are_taken_over_when_its_leases_expire(feed: Feed) -> None:
    dead = LeaseStore(feed.leases, "", (await feed.items.read())["_rid"], "dead", "life")
    living = NotedHost(feed, "living")
    await feed.write("a")
    async with NotedHost(feed, "first").host as host:
        await until_drained(host)
    for held in await dead.read_all():
        assert await dead.acquire(held)
    await feed.write("b")
    async with living.host:
        await until(lambda: living.ids)
        await until_drained(living.host)
    assert living.ids == ["b"]


async def test_host_that_is_started_again_takes_its_leases_back_before_they_expire(feed: Feed) -> None:
    hour = 3_600_000
    earlier = LeaseStore(feed.leases, "", (await feed.items.read())["_rid"], "name", "earlier life")
    async with NotedHost(feed, "name").host as host:
        await until_drained(host)
    for held in await earlier.read_all():
        assert await earlier.acquire(held)
    again = NotedHost(feed, "name", lease_expiration_interval=hour, lease_acquire_interval=hour)
    await feed.write("a")
    async with again.host:
        await until(lambda: again.ids == ["a"])


async def test_worker_whose_lease_moves_away_during_a_batch_does_not_advance_it(feed: Feed) -> None:
    started, release, seen = asyncio.Event(), asyncio.Event(), []
    app, decorator = feed_app(lease_acquire_interval=3_600_000)

    @decorator
    async def on_change(docs: func.DocumentList) -> None:
        seen.append(docs[0]["id"])
        started.set()
        await release.wait()

    async def is_all_held() -> bool:
        return "None" not in await owners(feed)

    await feed.write("a")
    thief = LeaseStore(feed.leases, "", (await feed.items.read())["_rid"], "thief", "life")
    async with FunctionHost(app, settings=feed.settings):
        await started.wait()
        await until(is_all_held)
        stolen = await thief.read_all()
        assert [await thief.acquire(held) for held in stolen] == [True] * 4
        release.set()
    assert [held.owner for held in await thief.read_all()] == ["thief"] * 4
    assert [held.continuation for held in await thief.read_all()] == [None] * 4
    assert seen == ["a"]
