from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import httpx
import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient

from local.cosmosdb.server import serve_in_thread
from local.functions.change_feed import FeedRange, feed_ranges, read_page, split_continuation
from local.functions.cosmos_connection import Connection
from local.functions.errors import FunctionLoadError
from local.functions.feed_options import feed_options
from local.functions.host import FunctionHost
from local.functions.indexing import index_app
from local.functions.leases import LeaseStore
from local.functions.settings import Settings
from tests.local.functions.host_helpers import (
    KEY,
    Feed,
    client_of,
    connection_string,
    feed_app,
    until,
    until_drained,
)


class Changes:
    """A function that notes its batches."""

    def __init__(self, **options: Any) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.app, decorator = feed_app(**options)

        @decorator
        def on_change(docs: func.DocumentList) -> None:
            self.batches.append([dict(document) for document in docs])

    @property
    def ids(self) -> list[str]:
        return [document["id"] for batch in self.batches for document in batch]


async def test_changes_arrive_once_and_in_order_within_a_partition(feed: Feed) -> None:
    changes = Changes()
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        for number in range(60):
            await feed.write(f"{number:03}", pk=f"p{number % 6}")
        await until(lambda: len(changes.ids) >= 60)
        await until_drained(host)
    assert sorted(changes.ids) == [f"{number:03}" for number in range(60)]
    by_partition = defaultdict(list)
    for batch in changes.batches:
        for document in batch:
            by_partition[document["pk"]].append(document["id"])
    assert all(ids == sorted(ids) for ids in by_partition.values())
    assert len(by_partition) == 6


async def test_function_gets_documents_with_their_system_properties(feed: Feed) -> None:
    seen: list[func.Document] = []
    app, decorator = feed_app()

    @decorator
    async def on_change(docs: func.DocumentList) -> None:
        assert isinstance(docs, func.DocumentList)
        seen.extend(docs)

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings):
        await until(lambda: seen)
    assert seen[0]["id"] == "a"
    assert {"_rid", "_ts", "_etag", "_lsn"} <= set(seen[0].to_dict())


async def test_documents_arrive_as_they_are_written_whatever_is_in_them(feed: Feed) -> None:
    odd = {"large": 2**53, "nested": {"a": [None, True, 1e300, -0.5, "ä"], "": {}}}
    seen: list[func.Document] = []
    app, decorator = feed_app()

    @decorator
    @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00")
    def on_change(docs: func.DocumentList) -> None:
        seen.extend(docs)

    await feed.items.create_item({"id": "odd", "pk": "p", **odd})
    (stored,) = [dict(item) async for item in feed.items.read_all_items()]
    async with FunctionHost(app, settings=feed.settings):
        await until(lambda: seen)
    assert {key: seen[0][key] for key in odd} == {key: stored[key] for key in odd}


async def test_parameter_of_type_str_gets_json(feed: Feed) -> None:
    texts: list[str] = []
    app, decorator = feed_app()

    @decorator
    def on_change(docs: str) -> None:
        texts.append(docs)

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings):
        await until(lambda: texts)
    assert [document["id"] for document in json.loads(texts[0])] == ["a"]


async def test_batches_have_at_most_so_many_items(feed: Feed) -> None:
    changes = Changes(max_items_per_invocation=3)
    await feed.write(*"abcdefgh")
    async with FunctionHost(changes.app, settings=feed.settings):
        await until(lambda: len(changes.ids) == 8)
    assert [len(batch) for batch in changes.batches] == [3, 3, 2]


async def test_without_a_start_only_new_changes_arrive(feed: Feed) -> None:
    changes = Changes(start_from_beginning=False)
    await feed.write("old")
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until_drained(host)
        await feed.write("new")
        await until(lambda: changes.ids)
    assert changes.ids == ["new"]


async def test_start_time_may_be_given(feed: Feed) -> None:
    await feed.write("old")
    (document,) = [item async for item in feed.items.read_all_items()]
    before = datetime.fromtimestamp(document["_ts"] - 5, UTC)
    after = before + timedelta(days=1)
    early = Changes(start_from_beginning=None, start_from_time=before.isoformat(), lease_container_prefix="early")
    late = Changes(start_from_beginning=None, start_from_time=after.isoformat(), lease_container_prefix="late")
    async with FunctionHost(late.app, settings=feed.settings), FunctionHost(early.app, settings=feed.settings) as host:
        await until(lambda: early.ids)
        await until_drained(host)
    assert early.ids == ["old"]
    assert late.ids == []


async def test_next_host_goes_on_where_the_last_one_stopped(feed: Feed) -> None:
    changes = Changes()
    for ids in ("ab", "cd"):
        await feed.write(*ids)
        async with FunctionHost(changes.app, settings=feed.settings, instance=ids) as host:
            await until(lambda expected=set("ab" + ids): set(changes.ids) == expected)  # type: ignore[misc]
            await until_drained(host)
        assert all(lease["Owner"] is None for lease in await feed.lease_documents())
    assert sorted(changes.ids) == ["a", "b", "c", "d"]


async def test_functions_with_prefixes_of_their_own_all_get_every_change(feed: Feed) -> None:
    one, two = Changes(lease_container_prefix="one"), Changes(lease_container_prefix="two")
    await feed.write("a", "b")
    async with FunctionHost(one.app, settings=feed.settings), FunctionHost(two.app, settings=feed.settings):
        await until(lambda: one.ids == two.ids == ["a", "b"])


async def test_functions_that_share_leases_are_warned_of(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    app, decorator = feed_app()
    decorator(func_named("one"))
    app.cosmos_db_trigger("docs", "COSMOS", "%DATABASE%", "items", lease_container_name="leases")(func_named("two"))
    FunctionHost(app, settings=feed.settings)
    assert "'one' and 'two' listen to the same container" in caplog.text


def func_named(name: str) -> Any:
    def on_change(docs: func.DocumentList) -> None: ...

    on_change.__name__ = name
    return on_change


async def test_failing_batch_is_retried_and_then_lost(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[list[str]] = []
    app, decorator = feed_app(max_items_per_invocation=1)

    @decorator
    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
    def on_change(docs: func.DocumentList) -> None:
        attempts.append([document["id"] for document in docs])
        if attempts[-1] == ["bad"]:
            raise ValueError("never works")

    await feed.write("good", "bad", "next")
    async with FunctionHost(app, settings=feed.settings) as host:
        await until(lambda: ["next"] in attempts)
        await until_drained(host)
    assert attempts == [["good"], ["bad"], ["bad"], ["bad"], ["next"]]
    (loss,) = [record for record in caplog.records if "LOST" in record.getMessage()]
    assert loss.levelno == logging.ERROR
    assert "a batch of 1 changes is LOST: it failed after the last retry" in loss.getMessage()


async def test_without_a_policy_a_failing_batch_is_lost_at_once(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[int] = []
    app, decorator = feed_app()

    @decorator
    def on_change(docs: func.DocumentList) -> None:
        attempts.append(len(docs))
        raise ValueError("never works")

    await feed.write("a", "b")
    async with FunctionHost(app, settings=feed.settings) as host:
        await until_drained(host)
    assert attempts == [2]
    assert "the function has no retry policy" in caplog.text


async def test_endless_retries_block_the_range_until_the_batch_succeeds(feed: Feed) -> None:
    attempts: list[str] = []
    app, decorator = feed_app(max_items_per_invocation=1)

    @decorator
    @app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:00")
    def on_change(docs: func.DocumentList) -> None:
        attempts.append(docs[0]["id"])
        if len(attempts) < 20:
            raise ConnectionError

    await feed.write("a", "b")
    async with FunctionHost(app, settings=feed.settings) as host:
        await until(lambda: "b" in attempts)
        await until_drained(host)
    assert attempts == ["a"] * 20 + ["b"]


async def test_end_during_a_retry_leaves_the_batch_to_the_next_host(feed: Feed) -> None:
    attempts: list[str] = []
    app, decorator = feed_app()

    @decorator
    @app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:15:00")
    def on_change(docs: func.DocumentList) -> None:
        attempts.append(docs[0]["id"])
        if len(attempts) == 1:
            raise ConnectionError

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings):
        await until(lambda: attempts)
    async with FunctionHost(app, settings=feed.settings) as host:
        await until_drained(host)
    assert attempts == ["a", "a"]


async def test_end_waits_for_a_running_batch_and_stores_that_it_is_done(feed: Feed) -> None:
    started = asyncio.Event()
    finished: list[str] = []
    app, decorator = feed_app()

    @decorator
    async def on_change(docs: func.DocumentList) -> None:
        started.set()
        await asyncio.sleep(0.2)
        finished.extend(document["id"] for document in docs)

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings):
        await started.wait()
    assert finished == ["a"]
    async with FunctionHost(app, settings=feed.settings) as host:
        await until_drained(host)
    assert finished == ["a"]


async def test_batch_that_does_not_end_in_time_is_left_to_the_next_host(feed: Feed) -> None:
    started = []
    app, decorator = feed_app()

    @decorator
    async def on_change(docs: func.DocumentList) -> None:
        started.append(docs[0]["id"])
        if len(started) == 1:
            await asyncio.Event().wait()

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings, grace=0.05):
        await until(lambda: started)
    assert all(lease["Owner"] is None for lease in await feed.lease_documents())
    async with FunctionHost(app, settings=feed.settings) as host:
        await until_drained(host)
    assert started == ["a", "a"]


async def test_lag_counts_what_is_not_checkpointed(feed: Feed) -> None:
    release = asyncio.Event()
    app, decorator = feed_app(max_items_per_invocation=2)

    @decorator
    async def on_change(docs: func.DocumentList) -> None:
        await release.wait()

    await feed.write(*"abcde")
    async with FunctionHost(app, settings=feed.settings) as host, client_of(host) as client:

        async def lag() -> int:
            (entry,) = (await client.get("/_local/feeds")).json()["feeds"]
            assert (entry["function"], entry["container"]) == ("on_change", "items")
            assert entry["database"] == feed.database.id
            assert entry["lag_seconds"] >= 0
            return int(entry["lag"])

        async def is_five() -> bool:
            return await lag() == 5

        await until(is_five)
        release.set()
        await until_drained(host)
        assert await lag() == 0
        await feed.write("f", pk="q")
        await until_drained(host)


async def test_feed_whose_containers_are_missing_is_behind_and_waits_for_them(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    changes = Changes(lease_container_name="later")
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until(lambda: "does not exist" in caplog.text)
        assert (await host.feeds())[0]["lag"] > 0
        await feed.write("a")
        await feed.database.create_container("later", PartitionKey("/id"))
        await until(lambda: changes.ids == ["a"])
        await until_drained(host)


async def test_server_that_is_not_there_is_waited_for(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    settings = {**feed.settings, "COSMOS": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=AAAA;"}
    host = FunctionHost(Changes().app, settings=settings)
    async with host:
        await until(lambda: "Function 'on_change'" in caplog.text)
        assert (await host.feeds())[0]["lag"] > 0
    assert host.state == "Stopped"


async def test_feed_goes_on_when_a_server_that_went_away_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes = Changes(create_lease_container_if_not_exists=True, lease_acquire_interval=50, lease_renew_interval=50)
    with serve_in_thread(tmp_path) as url:
        settings = {"COSMOS": connection_string(url), "DATABASE": "db"}
        async with CosmosClient(url, credential=KEY) as client:
            database = await client.create_database("db")
            items = await database.create_container("items", PartitionKey("/pk"))
            await items.create_item({"id": "before", "pk": "p"})
        host = FunctionHost(changes.app, settings=settings)
        await host.start()
        await until(lambda: changes.ids == ["before"])
        await until_drained(host)
    for problem in ("the change feed cannot be read", "its leases cannot be read", "a lease cannot be renewed"):
        await until(lambda problem=problem: problem in caplog.text)  # type: ignore[misc]
    assert (await host.feeds())[0]["lag"] > 0
    with serve_in_thread(tmp_path, port=int(url.rpartition(":")[2])):
        async with CosmosClient(url, credential=KEY) as client:
            items = client.get_database_client("db").get_container_client("items")
            await items.create_item({"id": "after", "pk": "p"})
        await until(lambda: changes.ids == ["before", "after"])
        await until_drained(host)
        await host.stop()


async def test_lease_container_that_is_made_anew_is_begun_again(feed: Feed) -> None:
    changes = Changes(lease_acquire_interval=50)
    await feed.write("a")
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until(lambda: changes.ids == ["a"])
        await feed.database.delete_container("leases")
        await feed.database.create_container("leases", PartitionKey("/id"))
        await until(lambda: changes.ids == ["a", "a"])
        await until_drained(host)


async def test_leases_that_are_deleted_are_made_anew(feed: Feed) -> None:
    changes = Changes(lease_acquire_interval=50)
    await feed.write("a")
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until(lambda: changes.ids == ["a"])
        leases = feed.database.get_container_client("leases")
        for lease in [lease async for lease in leases.read_all_items()]:
            await leases.delete_item(lease["id"], lease["id"])
        await until(lambda: changes.ids == ["a", "a"])
        await until_drained(host)


async def test_leases_may_be_in_another_database_and_account(feed: Feed) -> None:
    changes = Changes(lease_connection="LEASES", lease_database_name="elsewhere", lease_container_name="kept")
    with serve_in_thread() as url:
        async with CosmosClient(url, credential=KEY) as client:
            database = await client.create_database("elsewhere")
            kept = await database.create_container("kept", PartitionKey("/id"))
            await feed.write("a")
            async with FunctionHost(changes.app, settings={**feed.settings, "LEASES": connection_string(url)}) as host:
                await until(lambda: changes.ids == ["a"])
                await until_drained(host)
            assert len([lease async for lease in kept.read_all_items()]) == 4


async def test_lease_container_is_made_if_it_is_asked_for(feed: Feed) -> None:
    changes = Changes(lease_container_name="made", create_lease_container_if_not_exists=True)
    await feed.write("a")
    async with FunctionHost(changes.app, settings=feed.settings):
        await until(lambda: changes.ids)
    made = await feed.database.get_container_client("made").read()
    assert made["partitionKey"]["paths"] == ["/id"]


async def test_lease_container_with_another_partition_key_is_complained_about(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    await feed.database.create_container("wrong", PartitionKey("/pk"))
    async with FunctionHost(Changes(lease_container_name="wrong").app, settings=feed.settings):
        await until(lambda: "the lease container has the partition key /pk, but it has to be /id" in caplog.text)


async def test_container_that_is_made_anew_is_read_from_its_start(feed: Feed) -> None:
    changes = Changes()
    await feed.write("old")
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until(lambda: changes.ids == ["old"])
        await feed.database.delete_container("items")
        await feed.database.create_container("items", PartitionKey("/pk"))
        await feed.write("new")
        await until(lambda: changes.ids == ["old", "new"])
        await until_drained(host)


async def test_feed_function_is_run_by_hand(feed: Feed) -> None:
    changes = Changes()
    host = FunctionHost(changes.app, settings=feed.settings)
    await host.run("on_change", '{"id": "one"}')
    await host.run("on_change", '[{"id": "two"}, {"id": "three"}]')
    assert changes.ids == ["one", "two", "three"]
    await host.run("on_change", '{"id": "odd", "large": 1180591620717411303424, "half": "\\ud83d"}')
    assert changes.batches[-1] == [{"id": "odd", "large": 2**70, "half": "\ud83d"}]
    with pytest.raises(ValueError, match="a document, or a list of them"):
        await host.run("on_change", "5")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"connection": "NOWHERE"}, "the connection 'NOWHERE' is neither"),
        ({"connection": "BAD"}, "'BAD' is not a connection string"),
        ({"container_name": ""}, "'containerName' is required"),
        ({"lease_container_name": "items"}, "cannot be the same as the container storing the leases"),
        ({"max_items_per_invocation": -1}, "'maxItemsPerInvocation' must be greater than 0"),
        ({"feed_poll_delay": "soon"}, "'feedPollDelay' is a whole number"),
        ({"start_from_time": "yesterday"}, "'startFromTime' is written in ISO 8601"),
        ({"start_from_time": "2021-02-16T14:19:29Z", "start_from_beginning": True}, "only one of"),
        ({"changeFeedMode": "AllVersionsAndDeletes"}, "is not supported by this host"),
    ],
)
def test_malformed_trigger_is_refused(options: dict[str, Any], problem: str) -> None:
    app = func.FunctionApp()
    properties = {"connection": "COSMOS", "database_name": "d", "container_name": "items", **options}
    app.cosmos_db_trigger("docs", **properties)(func_named("on_change"))
    settings = Settings({"COSMOS": "AccountEndpoint=http://x/;AccountKey=k;", "BAD": "k"})
    (function,) = index_app(app, settings)
    with pytest.raises(FunctionLoadError, match=problem):
        feed_options(function, settings)


def test_defaults_are_the_real_extensions() -> None:
    app = func.FunctionApp()
    poll: Any = "%POLL%"
    app.cosmos_db_trigger("docs", "C", "d", "items", feed_poll_delay=poll)(func_named("on_change"))
    settings = Settings({"C__accountEndpoint": "https://x/", "C__clientId": "id", "POLL": "250"})
    (function,) = index_app(app, settings)
    options = feed_options(function, settings)
    assert options.connection == Connection("https://x/", None, "id")
    assert (options.lease_database, options.lease_container, options.lease_prefix) == ("d", "leases", "")
    assert (options.poll_delay, options.max_items, options.start) == (0.25, 100, None)
    assert (options.acquire_interval, options.expiration_interval, options.renew_interval) == (13, 60, 17)


async def test_continuation_of_a_split_range_is_taken_apart(feed: Feed) -> None:
    page = await read_page(feed.items, FeedRange("", "FF"), None, None, 10)
    parts = split_continuation(page.continuation)
    children = await feed_ranges(feed.items)
    assert len(children) == 4
    assert {part[0] for part in parts} == set(children)
    await feed.write("a")
    changes = []
    for feed_range, continuation in parts:
        assert continuation is not None
        assert split_continuation(continuation) == [(feed_range, continuation)]
        changes += (await read_page(feed.items, feed_range, continuation, None, 10)).documents
    assert [document["id"] for document in changes] == ["a"]


async def test_lease_of_a_split_range_is_replaced_by_those_of_its_children(feed: Feed) -> None:
    rid = (await feed.items.read())["_rid"]
    await LeaseStore(feed.leases, "", rid, "earlier", "life").create(FeedRange("", "FF"), None)
    changes = Changes()
    for number in range(20):
        await feed.write(f"{number}", pk=f"p{number}")

    async def tokens() -> list[str]:
        return sorted(lease["LeaseToken"] for lease in await feed.lease_documents())

    async def is_split() -> bool:
        return len(await tokens()) == 4

    assert await tokens() == ["-FF"]
    async with FunctionHost(changes.app, settings=feed.settings) as host:
        await until(lambda: len(changes.ids) == 20)
        await until(is_split)
        for number in range(20, 40):
            await feed.write(f"{number}", pk=f"p{number}")
        await until_drained(host)
    assert sorted(changes.ids, key=int) == [f"{number}" for number in range(40)]


async def test_a_range_that_is_split_while_it_is_read_loses_and_repeats_nothing(feed: Feed, engine_url: str) -> None:
    changes = Changes(max_items_per_invocation=3)
    await feed.write(*(f"{number}" for number in range(30)))
    place = {"database": feed.database.id, "container": "items"}

    async def are_split() -> bool:
        return len(await feed.lease_documents()) == 8

    async with FunctionHost(changes.app, settings=feed.settings) as host, httpx.AsyncClient() as http:
        await until(lambda: changes.ids)
        for number in range(4):
            (await http.post(f"{engine_url}/_local/split", json={**place, "range": str(number)})).raise_for_status()
            for written in range(30 + number * 10, 40 + number * 10):
                await feed.write(f"{written}", pk=f"p{written % 7}")
        await until_drained(host)
        await until(are_split)
    assert sorted(changes.ids, key=int) == [f"{number}" for number in range(70)]


async def test_texts_that_look_like_dates_arrive_rewritten_as_on_the_real_host(feed: Feed) -> None:
    app, decorator = feed_app()
    arrived: list[Any] = []

    @decorator
    def on_change(docs: func.DocumentList) -> None:
        arrived.extend((document["at"], document["nested"]) for document in docs)

    item = {
        "id": "a",
        "pk": "p",
        "at": "2026-11-30T10:00:00.500000Z",
        "nested": [{"typed": "2026-11-30T10:00:00+02:00"}],
    }
    await feed.items.create_item(item)
    async with FunctionHost(app, settings=feed.settings):
        await until(lambda: arrived)
    assert arrived == [("2026-11-30T10:00:00.5Z", [{"typed": "2026-11-30T08:00:00+00:00"}])]
