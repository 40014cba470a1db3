"""The platform's figures over the real engine equal a count of the turns, whatever is delivered."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from cosmos.core.database import Database, Item
from functions.composition import Store
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.platform_sources import of_turn
from models.analytics.response_times import RELATIVE_ERROR
from models.chat.interaction import UserInteraction
from models.counted import BUCKETS
from models.counting.bucket import Bucket
from tests.cosmos.conftest import NOW
from tests.models.examples import PSEUDONYMS, an_interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2031, 3, 3, tzinfo=UTC)
"""A Monday of a year that no other test counts in."""

QUESTIONS = ("What is the tidal lock?", "what is THE tidal lock??", "Who built Petra? 3", "my own private question")


def some_turns(seed: int, users: int = 9, count: int = 120) -> list[UserInteraction]:
    chance = random.Random(seed)
    people = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(users)]
    turns = []
    for number in range(count):
        person = chance.choice(people)
        private = person == people[0] and number % 3 == 0
        turn = an_interaction(
            f"turn-{seed}-{number}",
            START + timedelta(minutes=chance.randrange(15 * 24 * 60)),
            chance.randint(1, 4),
            user_query=f"{QUESTIONS[3]} {seed}" if private else f"{chance.choice(QUESTIONS[:3])}",
            timezone="Asia/Kolkata",
            response_time_ms=chance.randint(200, 20_000),
            personality_used=chance.choice(["socrates", "krishna"]),
            model_used=chance.choice(["test-model", "no-price"]),
        )
        turns.append(turn.model_copy(update={"user_id": person, "partition_key": person}))
    return turns


async def settle(store: Store, database: Database) -> None:
    """What the feed of the analytics does, from its beginning, until nothing is left to do: three steps of three."""
    kinds = ", ".join(f"'{kind}'" for kind in BUCKETS.counted_again)
    for _ in range(4):
        found = database.user_analytics.query_items(f"SELECT * FROM c WHERE c.kind IN ({kinds})")
        await store.folding.fold("user_analytics", [item async for item in found], NOW)


async def days(store: Store) -> list[PlatformRollup]:
    return await store.insights.periods(Bucket("utc_daily", "2031-03-01"), Bucket("utc_daily", "2031-03-31"))


async def documents(database: Database, since: str) -> list[Item]:
    query = (
        "SELECT * FROM c WHERE STARTSWITH(c.partition_key, 'platform') AND (c.last_activity >= @since "
        "OR c.analytics_period = 'cohort' AND c.period_key >= @since)"
    )
    parameters: list[dict[str, object]] = [{"name": "@since", "value": since}]
    return [item async for item in database.user_analytics.query_items(query, parameters=parameters)]


async def test_the_platform_equals_a_count_of_the_turns(store: Store, database: Database) -> None:
    turns = some_turns(seed=1)
    chance = random.Random(8)
    await settle(store, database)  # what other tests have left
    growth = (await store.insights.insights("2031-03", NOW)).growth_metrics
    for _ in range(3):
        feed = [turn.body() for turn in chance.sample(turns, len(turns))]
        for start in range(0, len(feed), 50):
            await store.folding.fold("user_interactions", feed[start : start + 50], NOW)
            await settle(store, database)
    rated = turns[5].model_copy(update={"revision": 2, "user_rating": 5})
    turns[5] = rated
    await store.folding.fold("user_interactions", [rated.body()], NOW)
    await settle(store, database)

    by_day = Counter(turn.timestamp.date().isoformat() for turn in turns)
    found = await days(store)
    assert {day.period_key: day.total_interactions for day in found} == dict(sorted(by_day.items()))
    active = {(turn.timestamp.date().isoformat(), turn.user_id) for turn in turns}
    assert {day.period_key: day.active_users for day in found} == dict(Counter(day for day, _ in active))

    insights = await store.insights.insights("2031-03", datetime(2031, 4, 1, tzinfo=UTC))
    health = insights.platform_health
    times = sorted(turn.response_time_ms for turn in turns)
    assert health.total_interactions == len(turns)
    assert health.active_users == len({turn.user_id for turn in turns})
    assert health.unpriced_interactions == sum(turn.model_used == "no-price" for turn in turns)
    assert health.response_time_p95_ms == pytest.approx(times[int(0.95 * (len(times) - 1))], rel=RELATIVE_ERROR)
    assert health.user_satisfaction == 5
    assert insights.growth_metrics.new_users_this_month == health.active_users
    assert insights.growth_metrics.total_users == growth.total_users + health.active_users

    local: dict[str, list[date]] = {}
    for turn in turns:
        local.setdefault(turn.user_id, []).append((turn.timestamp + timedelta(hours=5, minutes=30)).date())
    spans = [(max(days) - min(days)).days for days in local.values()]
    assert [(kept.could_return, kept.returned) for kept in insights.growth_metrics.retention] == [
        (len(spans), sum(span >= 1 for span in spans)),
        (len(spans), sum(span >= 7 for span in spans)),
        (0, 0),
    ]
    began = Counter(f"{min(days):%G-W%V}" for days in local.values())
    assert {cohort.week: cohort.users for cohort in insights.growth_metrics.cohorts} == began

    asked: dict[str, Counter[tuple[str, date]]] = {"what is the tidal lock": Counter(), "who built petra": Counter()}
    for turn in turns:
        for text, askers in asked.items():
            askers[turn.user_id, turn.timestamp.date()] += text[:14] in (turn.user_query or "").casefold()
    texts = {
        text: (len({user for user, _ in +askers}), sum(min(3, n) for n in askers.values()))
        for text, askers in asked.items()
    }
    shown = {
        question.question: (question.askers, question.frequency)
        for question in await store.insights.questions.common("2031-03", 1000, [])
    }
    assert {text: shown[text] for text in texts} == texts
    flagged = next(user for (user, _), n in asked["who built petra"].items() if n)
    without = await store.insights.questions.common("2031-03", 1000, [flagged])
    left = {question.question: question.askers for question in without}
    assert left["who built petra"] == texts["who built petra"][0] - 1
    assert not any("private" in text for text in shown)


async def test_nothing_that_the_platform_keeps_names_a_user_or_a_rare_question(
    store: Store, database: Database
) -> None:
    turns = some_turns(seed=2, users=2, count=30)
    unusual = [
        turn.model_copy(update={"user_query": f"How do I treat my rare illness {turn.user_id[:2]}"}) for turn in turns
    ]
    await store.folding.fold("user_interactions", [turn.body() for turn in unusual], NOW)
    await settle(store, database)
    kept = str(await documents(database, "2031-01-01"))
    assert "illness" not in kept
    for turn in unusual:
        assert turn.user_id not in kept
        assert f"{turn.id}'" not in kept


async def drift(store: Store, repair: bool) -> tuple[list[str], int]:
    """The buckets of all the platform's partitions that are wrong, and how many sources are behind."""
    reports = [await store.rebuilding.rebuild(partition, repair, NOW) for partition in PSEUDONYMS.partitions]
    return sorted(f"{one.user_id}:{one.bucket}" for report in reports for one in report.drifted), sum(
        report.sources_behind + report.sources_wrong for report in reports
    )


async def test_damage_to_the_platform_is_found_exactly_and_repaired(store: Store, database: Database) -> None:
    turns = some_turns(seed=3)
    await store.folding.fold("user_interactions", [turn.body() for turn in turns], NOW)
    await settle(store, database)
    assert await drift(store, repair=False) == ([], 0)
    kept = {item["id"]: item for item in await documents(database, "2031-01-01") if "sums" in item}
    question = next(item for item in kept.values() if item["kind"] == "question" and item["question"])
    shard = next(item for item in kept.values() if item["id"].endswith("utc_daily:2031-03-05"))
    damaged = [question, shard, kept["platform:utc_monthly:2031-03"], kept["platform:cohort:2031-03-03"]]
    for number, item in enumerate(damaged, 1):
        await database.user_analytics.replace_item(item["id"], item | {"sums": item["sums"] | {"nonsense": number}})
    expected = sorted(item["id"] for item in damaged)
    assert (await drift(store, repair=False))[0] == expected
    assert (await drift(store, repair=True))[0] == expected
    await settle(store, database)
    assert await drift(store, repair=False) == ([], 0)
    now = {item["id"]: item for item in await documents(database, "2031-01-01") if "sums" in item}
    assert {name: item["sums"] for name, item in now.items()} == {name: item["sums"] for name, item in kept.items()}
    assert now[question["id"]]["question"] == question["question"]


async def test_a_turn_that_the_platform_has_missed_is_found_with_its_user(store: Store, database: Database) -> None:
    turns = some_turns(seed=4, users=1, count=10)
    user = turns[0].user_id
    for turn in turns:
        await database.user_interactions.create_item(turn.body())
    await store.folding.fold("user_interactions", [turn.body() for turn in turns], NOW)
    await settle(store, database)
    clean = await store.rebuilding.rebuild(user, False, NOW)
    assert (clean.sources_behind, clean.sources_wrong) == (0, 0)
    partition, source = of_turn(turns[2], PSEUDONYMS)
    bucket = Bucket("utc_daily", turns[2].timestamp.date().isoformat())
    rollup = await database.user_analytics.read_item(f"{partition}:{bucket.name}", partition)
    entry = await database.user_analytics.read_item(f"ledger:{source.key}", partition)
    await database.user_analytics.delete_item(entry["id"], partition)
    for name, sums in entry["applied"].items():  # as if it had never been folded there
        item = await database.user_analytics.read_item(f"{partition}:{name}", partition)
        left = {measure: value - sums.get(measure, 0) for measure, value in item["sums"].items()}
        body = item | {"sums": {measure: value for measure, value in left.items() if value}}
        await database.user_analytics.replace_item(item["id"], body)
    found = await store.rebuilding.rebuild(user, True, NOW)
    assert (found.drifted, found.sources_behind) == ([], 1)
    assert (await database.user_analytics.read_item(rollup["id"], partition))["sums"] == rollup["sums"]


async def test_a_common_question_stays_when_one_who_asked_it_takes_it_back(store: Store, database: Database) -> None:
    turns = [turn for turn in some_turns(seed=5, users=4, count=40) if (turn.user_query or "").endswith("lock??")]
    asked = [turn.model_copy(update={"user_query": "Does a question that is taken back stay?"}) for turn in turns]
    await store.folding.fold("user_interactions", [turn.body() for turn in asked], NOW)
    await settle(store, database)
    leaver = next(user for user, count in Counter(turn.user_id for turn in asked).items() if count)
    back = [turn.model_copy(update={"revision": 2, "analytics_consent": False}) for turn in asked]
    await store.folding.fold("user_interactions", [turn.body() for turn in back if turn.user_id == leaver], NOW)
    await settle(store, database)
    stay = [turn for turn in asked if turn.user_id != leaver]
    assert len({turn.user_id for turn in stay}) == 3
    shown = {
        question.question: question.frequency for question in await store.insights.questions.common("2031-03", 1000, [])
    }
    assert shown["does a question that is taken back stay"] == len(stay)


async def test_questions_of_the_platform_are_repaired_with_their_texts(store: Store, database: Database) -> None:
    asked = [
        turn.model_copy(update={"user_query": f"Is {word} repaired?"})
        for word in ("one", "two", "three")
        for turn in some_turns(seed=6, users=4, count=24)
    ]
    turns = [turn.model_copy(update={"id": f"{turn.id}-{n}"}) for n, turn in enumerate(asked)]
    await store.folding.fold("user_interactions", [turn.body() for turn in turns], NOW)
    await settle(store, database)
    query = "SELECT * FROM c WHERE c.partition_key = 'platform' AND CONTAINS(c.question, 'repaired')"
    found = {item["question"]: item async for item in database.user_analytics.query_items(query)}
    one, two, three = (found[f"is {word} repaired"] for word in ("one", "two", "three"))
    await database.user_analytics.delete_item(one["id"], "platform")
    await database.user_analytics.replace_item(two["id"], two | {"question": None, "shown_askers": 0})
    await database.user_analytics.replace_item(three["id"], three | {"sums": "none"})
    expected = sorted(item["id"] for item in (one, two, three))
    for repair in (False, True):
        assert (await drift(store, repair))[0] == expected
    assert await drift(store, repair=False) == ([], 0)
    shown = {
        question.question: question.frequency for question in await store.insights.questions.common("2031-03", 1000, [])
    }
    assert [shown.get(f"is {word} repaired") for word in ("one", "two", "three")] == [24, 24, 24]
