"""Feeds that stand still are seen: over the real host, what is measured, what the alert asks, what staff see."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cosmos.core.database import Database, Item, connect
from functions.composition import services
from functions.core.telemetry import Telemetry
from functions.jobs import admin_jobs, standing_still
from functions.jobs.standing_still import look_at_feeds
from functions.jobs.watching import Watch
from local.functions.host import FunctionHost
from models.jobs.heartbeat import FEEDS, Feed
from tests.conftest import ROOT
from tests.functions.calls import Drain, Headers, SignIn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

STILL = Feed("fold_nothing", "users", "accounts")
"""As a feed whose function is disabled, or could not start: nobody takes it."""

MINUTE = timedelta(minutes=1)


class Told(Telemetry):
    def __init__(self) -> None:
        self.ages: defaultdict[str, list[float]] = defaultdict(list)

    def feed_age(self, feed: str, seconds: float) -> None:
        self.ages[feed].append(seconds)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> Any:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


def limit_of_the_alert() -> float:
    alerts = (ROOT / "infra" / "modules" / "alerts.bicep").read_text("utf-8")
    assert '"vimarsh.feed.age" | summarize Looked = count(), Still = countif(Max > ${feedAgeSeconds})' in alerts
    (limit,) = re.findall(r"^param feedAgeSeconds int = (\d+)$", alerts, re.MULTILINE)
    return float(limit)


async def left(database: Database, feed: Feed) -> list[Item]:
    query = "SELECT * FROM c WHERE c.kind = 'heartbeat' AND c.feed = @feed"
    parameters: list[dict[str, object]] = [{"name": "@feed", "value": feed.name}]
    return [item async for item in getattr(database, feed.container).query_items(query, parameters=parameters)]


async def test_every_feed_passes_what_the_timer_leaves_and_comes_to_rest(
    api: httpx.AsyncClient, host: FunctionHost, admin: Headers, database: Database, drained: Drain
) -> None:
    triggers = {function.name for function in host.functions if function.trigger.type == "cosmosDBTrigger"}
    assert triggers == {feed.name for feed in FEEDS}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app") as client:
        assert (await client.post("/admin/functions/keep_watch", json={})).status_code == 202
    for feed in FEEDS:

        async def are_passed(feed: Feed = feed) -> bool:
            items = await left(database, feed)
            return bool(items) and all(item["passed"] == item["revision"] for item in items)

        await until(are_passed)
    before = [await left(database, feed) for feed in FEEDS]
    await drained()
    assert [await left(database, feed) for feed in FEEDS] == before
    shown = (await api.get("/admin/jobs", headers=admin)).json()["feeds"]
    assert {(one["feed"], one["container"], one["stands_still"]) for one in shown} == {
        (feed.name, feed.container, False) for feed in FEEDS
    }
    assert all(0 <= one["age_seconds"] <= 120 for one in shown)


async def test_a_feed_that_nobody_takes_is_found_by_the_alert_and_not_any_more_once_it_goes_on(
    api: httpx.AsyncClient, admin: Headers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, client, start = Told(), None, datetime.now(UTC) - 7 * MINUTE
    monkeypatch.setattr(services(), "telemetry", told)
    for module in (standing_still, admin_jobs):
        monkeypatch.setattr(module, "feeds_of", lambda settings: [STILL])
    watching: Any = client
    for minute in range(7):
        await look_at_feeds(Watch(services(), watching, start + minute * MINUTE))
    ages = told.ages[STILL.name]
    assert len(ages) == 7
    assert ages[2] <= limit_of_the_alert() < ages[6]
    (shown,) = (await api.get("/admin/jobs", headers=admin)).json()["feeds"]
    assert shown["stands_still"]
    heartbeats = (await services().store()).heartbeats
    await heartbeats.passed(STILL, await left(database, STILL))
    await look_at_feeds(Watch(services(), watching, start + 7 * MINUTE))
    assert told.ages[STILL.name][-1] <= limit_of_the_alert()


async def test_feeds_that_are_not_supposed_to_run_are_not_looked_at(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, client = Told(), None
    watching: Any = client
    monkeypatch.setattr(services(), "telemetry", told)
    monkeypatch.setattr(services().settings, "capabilities", ["usage", "library"])
    await look_at_feeds(Watch(services(), watching, datetime.now(UTC)))
    assert set(told.ages) == {"fold_users", "fold_analytics", "fold_bookmarks"}


async def test_a_feed_that_can_t_be_looked_at_grows_older_and_does_not_hide_the_others(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    monkeypatch.setattr(services(), "telemetry", told)
    client: Any = None
    await look_at_feeds(Watch(services(), client, datetime.now(UTC)))
    heartbeats: Any = type((await services().store()).heartbeats)
    look = heartbeats.look

    async def fails(self: Any, feed: Feed, now: datetime, refresh: bool = False) -> timedelta:
        if feed.name == "fold_users":
            raise OSError("its container is not there")
        found: timedelta = await look(self, feed, now, refresh)
        return found

    monkeypatch.setattr(heartbeats, "look", fails)
    now = datetime.now(UTC)
    for minute in range(7):
        with pytest.raises(OSError, match="not there"):
            await look_at_feeds(Watch(services(), client, now + minute * MINUTE))
    assert set(told.ages) == {feed.name for feed in FEEDS}
    assert told.ages["fold_users"][-1] > limit_of_the_alert()
