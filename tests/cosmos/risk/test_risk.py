"""Abuse over the real engine: judged in the fold, each turn once, and put on the profile."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cosmos.core.database import Database, Item
from cosmos.counting.folding import Folding
from functions.composition import Store
from models.accounts.audit import AuditEntry
from models.accounts.finding import Finding
from models.accounts.moderation import ModerationAction
from models.accounts.profile import UserProfile
from models.analytics.contribution import day_bucket
from models.core.app_roles import MODERATOR_ROLE, SERVICE_ROLE
from models.core.identity import Person
from models.counting.bucket import Bucket
from models.risk.thresholds import RiskSettings
from models.risk.window import RiskWindow, risk_window_id
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS, an_interaction
from tests.models.risk_turns import at_human_pace, different_questions

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = NOW - timedelta(hours=6)


def repeated(
    person: Person, count: int, start: datetime = START, name: str = "turn", revision: int = 1, device: str = "desktop"
) -> list[Item]:
    """One question over and over, as the change feed gives it."""
    items = []
    for number, seconds in enumerate(at_human_pace(count)):
        turn = an_interaction(f"{name}-{number}", start + timedelta(seconds=seconds), number + 1, revision)
        whose = {"user_id": person.user_id, "partition_key": person.user_id, "device_type": device}
        turn = turn.model_copy(update=whose)
        items.append(turn.body())
    return items


async def stored_window(database: Database, person: Person) -> RiskWindow:
    item = await database.user_analytics.read_item(risk_window_id(person.user_id), person.user_id)
    return RiskWindow.parse(item)


async def fold_on(folding: Folding, database: Database, person: Person, now: datetime = NOW) -> None:
    """What the change feed of `user_analytics` brings."""
    pages = database.user_analytics.query_items("SELECT * FROM c", partition_key=person.user_id)
    await folding.fold("user_analytics", [item async for item in pages], now)


async def profile_of(store: Store, person: Person) -> UserProfile:
    profile = await store.users.find(person.user_id)
    assert profile is not None
    return profile


def enforcing(store: Store, database: Database) -> Folding:
    return Store.of(database, PRICES, PSEUDONYMS, risk=RiskSettings(shadow=False)).folding


async def test_turns_are_in_the_window_once_however_they_are_delivered(
    store: Store, database: Database, person: Person
) -> None:
    items, chance = repeated(person, 40), random.Random(5)
    await asyncio.gather(*(store.folding.fold("user_interactions", chance.sample(items, 40), NOW) for _ in range(3)))
    await store.folding.fold("user_interactions", repeated(person, 40, revision=2), NOW)
    window = await stored_window(database, person)
    assert len(window.turns) == sum(window.hours.values()) == 40
    assert [turn.at for turn in window.turns] == sorted({turn.at for turn in window.turns})
    assert window.findings["repetitive_queries"].turns == 40


async def test_findings_reach_profile_and_rollups(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    await store.folding.fold("user_interactions", repeated(person, 30), NOW)
    await fold_on(store.folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.risk_score, profile.abuse_flags, profile.risk_decision) == (90, ["repetitive_queries"], "flag")
    assert [found.turns for found in profile.abuse_evidence] == [30]
    assert (profile.account_status, profile.revision) == ("active", 1), "only recorded"


async def test_rollups_show_signs_that_follow_from_the_turns_alone(
    store: Store, database: Database, person: Person
) -> None:
    items = repeated(person, 60, device="bot")
    random.Random(1).shuffle(items)
    for start in range(0, 60, 7):
        await store.folding.fold("user_interactions", items[start : start + 7], NOW)
    await fold_on(store.folding, database, person)
    buckets = (day_bucket(START, "Asia/Kolkata"), Bucket("all_time"))

    async def check(helpful: int) -> None:
        for rollup in [await store.rollups.rollup(person.user_id, bucket) for bucket in buckets]:
            assert rollup is not None
            assert (rollup.usage_anomalies, rollup.sums.get("helpful", 0)) == (["automated_turns"], helpful)
            assert (rollup.risk_indicators, rollup.abuse_likelihood) == ({"bot_like_patterns": 1.0}, 1.0)

    await check(helpful=0)
    edited = [item | {"revision": 2, "was_helpful": True} for item in items[:30]]
    await store.folding.fold("user_interactions", edited, NOW)
    await check(helpful=30)


async def test_who_is_not_suspected_has_nothing_written(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    await store.folding.fold("user_interactions", repeated(person, 5), NOW)
    await fold_on(store.folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.risk_score, profile.abuse_flags, profile.risk_revision) == (0, [], 0)


async def test_late_findings_do_not_replace_newer_ones(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    await store.folding.fold("user_interactions", repeated(person, 20), NOW)
    old = await stored_window(database, person)
    await store.folding.fold("user_interactions", repeated(person, 30), NOW)
    await fold_on(store.folding, database, person)
    await store.risk_on_profiles.show(old, True, NOW)
    assert (await profile_of(store, person)).abuse_evidence[0].turns == 30


async def test_the_policy_suspends_once(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    folding = enforcing(store, database)
    await folding.fold("user_interactions", repeated(person, 30, device="bot"), NOW)
    for _ in range(2):
        await fold_on(folding, database, person)
    profile = await profile_of(store, person)
    assert profile.account_status == "suspended"
    (action,) = profile.moderation_actions
    assert (action.action, action.by, action.reason) == (
        "suspend",
        "policy",
        "Risk score 100: bot_like_patterns, repetitive_queries",
    )


async def test_staff_are_flagged_and_never_suspended(store: Store, database: Database, person: Person) -> None:
    await store.users.writer(person, NOW, NOW, {MODERATOR_ROLE})
    folding = enforcing(store, database)
    await folding.fold("user_interactions", repeated(person, 40, device="bot"), NOW)
    await fold_on(folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.account_status, profile.risk_decision, profile.moderation_actions) == ("active", "suspend", [])


async def test_repetition_alone_suspends_nobody(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    folding = enforcing(store, database)
    await folding.fold("user_interactions", repeated(person, 40), NOW)
    await fold_on(folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.account_status, profile.risk_score, profile.risk_decision) == ("active", 90, "flag")


async def test_whom_staff_restore_is_suspended_for_new_evidence_only(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    folding = enforcing(store, database)
    await folding.fold("user_interactions", repeated(person, 30, device="bot"), NOW)
    await fold_on(folding, database, person)
    suspended = await profile_of(store, person)
    restored = ModerationAction(
        action="restore", reason="A test", by="mod", at=NOW, status_before="suspended", status_after="active"
    )
    actions = [action.model_dump(mode="json") for action in [*suspended.moderation_actions, restored]]
    patch: list[dict[str, Any]] = [
        {"op": "set", "path": "/account_status", "value": "active"},
        {"op": "set", "path": "/moderation_actions", "value": actions},
    ]
    await database.users.patch_item(person.user_id, person.user_id, patch)
    await fold_on(folding, database, person)
    assert (await profile_of(store, person)).account_status == "active"
    later = NOW + timedelta(hours=1)
    await folding.fold("user_interactions", repeated(person, 30, later, "again", device="bot"), later)
    await fold_on(folding, database, person, later + timedelta(hours=2))
    assert (await profile_of(store, person)).account_status == "suspended"


async def test_a_service_account_is_not_judged(store: Store, database: Database, person: Person) -> None:
    await store.users.writer(person, NOW, NOW, {SERVICE_ROLE})
    folding = enforcing(store, database)
    await folding.fold("user_interactions", repeated(person, 30), NOW)
    await fold_on(folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.is_service, profile.account_status) == (True, "active")
    assert (profile.risk_score, profile.abuse_flags, profile.abuse_evidence) == (0, [], [])


async def test_who_becomes_a_service_account_is_no_longer_suspected(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    await store.folding.fold("user_interactions", repeated(person, 30), NOW)
    await fold_on(store.folding, database, person)
    await store.users.writer(person, NOW, NOW, {SERVICE_ROLE})
    await fold_on(store.folding, database, person)
    profile = await profile_of(store, person)
    assert (profile.risk_score, profile.abuse_flags, profile.risk_decision) == (0, [], "nothing")


async def test_who_is_no_service_account_any_more_is_judged_again(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.writer(person, NOW, NOW, {SERVICE_ROLE})
    await store.folding.fold("user_interactions", repeated(person, 29), NOW)
    await fold_on(store.folding, database, person)
    for token in (None, {SERVICE_ROLE}):  # a trusted server's, or of the same role
        assert (await store.users.writer(person, NOW, NOW, token)).is_service
    older = await store.users.writer(person, NOW, NOW - timedelta(minutes=1), set())
    assert older.is_service
    assert not (await store.users.writer(person, NOW, NOW, set())).is_service
    await store.folding.fold("user_interactions", repeated(person, 30), NOW)
    await fold_on(store.folding, database, person)
    assert (await profile_of(store, person)).abuse_flags == ["repetitive_queries"]


async def test_who_stands_out_is_told_by_the_scores_of_now(store: Store, database: Database, person: Person) -> None:
    now = datetime(2041, 5, 1, tzinfo=UTC)  # when no other test's user is flagged
    settings = RiskSettings()
    long_ago = Person(tenant_id=person.tenant_id, auth_id=str(uuid.uuid4()), email=f"b{person.email}", name="B")
    lately = Person(tenant_id=person.tenant_id, auth_id=str(uuid.uuid4()), email=f"c{person.email}", name="C")
    asked = ((person, 30, now - timedelta(hours=2)), (long_ago, 40, now - timedelta(days=40)), (lately, 14, now))
    stored = []
    for who, count, last in asked:
        await store.users.ensure(who, now, now)
        await store.folding.fold("user_interactions", repeated(who, count, last - timedelta(hours=5)), now)
        await fold_on(store.folding, database, who)
        stored.append((await profile_of(store, who)).risk_score)
    assert stored[1] >= stored[0] > stored[2] >= settings.flag_from
    found = await store.insights.standings.flagged("2041-05", now)
    assert [one.profile.id for one in found] == [person.user_id, lately.user_id]
    (told,) = await store.insights.described(found[:1], "2041-04", now)
    assert (told.risk_score, told.risk_score_at) == (found[0].score, datetime(2041, 5, 1, tzinfo=UTC))


async def test_a_past_month_tells_who_was_flagged_then_and_their_busiest_day(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    asked = repeated(person, 30, datetime(2043, 3, 20, 6, tzinfo=UTC))
    asked += repeated(person, 4, datetime(2043, 3, 27, 6, tzinfo=UTC), "later")
    await store.folding.fold("user_interactions", asked, NOW)
    await fold_on(store.folding, database, person)
    now = datetime(2043, 9, 1, tzinfo=UTC)
    (flagged,) = await store.insights.standings.flagged("2043-03", now)
    (told,) = await store.insights.described([flagged], "2043-03", now)
    assert (told.user_id, told.peak_day, told.daily_query_count) == (person.user_id, "2043-03-20", 30)
    assert (told.risk_score_at, told.red_flags) == (datetime(2043, 4, 1, tzinfo=UTC), ["repetitive_queries"])
    assert await store.insights.standings.flagged("2043-08", now) == []
    assert await store.insights.standings.flagged("2043-02", now) == []


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_is_found_later_leaves_past_months_as_they_were(
    store: Store, database: Database, person: Person, at_once: bool
) -> None:
    """Stronger findings of the same rule, evidence that goes on over the end of a month, and decay."""
    year, now = 2045 + at_once, datetime(2046 + at_once, 3, 1, tzinfo=UTC)
    steps = [
        (["02", "03"], repeated(person, 20, datetime(year, 3, 31, 12, tzinfo=UTC))),
        (["04", "05", "07"], repeated(person, 40, datetime(year, 4, 12, tzinfo=UTC), "on")),
        (["08", "09"], repeated(person, 60, datetime(year, 8, 20, tzinfo=UTC), "again")),
    ]
    if at_once:
        steps = [([month for months, _ in steps for month in months], [turn for _, turns in steps for turn in turns])]
    await store.users.ensure(person, NOW, NOW)
    told: dict[str, list[tuple[float, list[Finding]]]] = {}
    for months, turns in steps:
        await store.folding.fold("user_interactions", turns, NOW)
        await fold_on(store.folding, database, person)
        for month in [*told, *months]:
            flagged = await store.insights.standings.flagged(f"{year}-{month}", now)
            rows = [(one.score, one.findings) for one in flagged]
            assert told.setdefault(month, rows) == rows, month
    assert [month for month, rows in told.items() if rows] == ["03", "04", "08"]
    findings = {month: rows[0][1][0] for month, rows in told.items() if rows}
    assert {month: (found.turns, found.last_seen.month) for month, found in findings.items()} == {
        "03": (20, 3),
        "04": (40, 4),
        "08": (60, 8),
    }


async def test_what_is_dismissed_is_told_of_no_month_any_more(store: Store, database: Database, person: Person) -> None:
    now = datetime(2048, 9, 1, tzinfo=UTC)
    await store.users.ensure(person, NOW, NOW)
    for month in (3, 6):
        await store.folding.fold(
            "user_interactions", repeated(person, 30, datetime(2048, month, 20, tzinfo=UTC), f"in-{month}"), NOW
        )
    assert [len(await store.insights.standings.flagged(f"2048-{m}", now)) for m in ("03", "06")] == [1, 1]
    fingerprint = (await stored_window(database, person)).findings["repetitive_queries"].fingerprint
    entry = AuditEntry(
        id=str(uuid.uuid4()),
        partition_key=person.user_id,
        user_id=person.user_id,
        actor_id=person.user_id,
        actor_roles=[],
        act="dismiss_finding",
        reason="A class that tries the same prompt",
        audited_at=NOW,
        request_id="r",
    )
    await store.risk.dismiss(person.user_id, "repetitive_queries", fingerprint, entry, NOW)
    assert [await store.insights.standings.flagged(f"2048-{m}", now) for m in ("03", "06")] == [[], []]


async def test_who_asks_a_lot_is_listed_though_nothing_is_found(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    texts = different_questions(90)
    asked = repeated(person, 90, datetime(2044, 3, 20, 6, tzinfo=UTC))
    await store.folding.fold(
        "user_interactions", [item | {"user_query": text} for item, text in zip(asked, texts, strict=True)], NOW
    )
    (busy,) = await store.insights.standings.busy("2044-03", 60)
    assert (busy.user_id, busy.peak_day, busy.peak_turns, busy.busy_days) == (person.user_id, "2044-03-20", 90, 1)
    assert await store.insights.standings.busy("2044-03", 91) == []
    assert await store.insights.standings.busy("2044-04", 1) == []
    assert (await stored_window(database, person)).findings == {}
