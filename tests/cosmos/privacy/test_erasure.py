"""Erasing over the real engine: nothing stays, each document is counted once, and nobody writes anything any more."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, Item
from cosmos.counting.held import Held
from functions.composition import Store
from models.accounts.audit import AuditEntry
from models.accounts.claims import EmailClaim
from models.accounts.limits import DEFAULT_LIMITS, LimitOverride
from models.accounts.profile_changes import ProfileChanges
from models.analytics.contribution import of_interaction
from models.chat.interaction import Draft, Origin
from models.core.app_roles import SERVICE_ROLE
from models.core.errors import AccountClosed, Contention, NotFound, Stale
from models.core.identity import Person, email_claim_id_of
from models.core.revisions import Revisions
from models.core.tombstone import is_tombstone
from models.core.user_agent import Client
from models.counting.dead_letter import DeadLetter
from models.counting.fold import Source
from models.library.bookmark import BookmarkRequest, UserBookmark
from models.privacy.erasure import Erasure
from models.risk.window import risk_window_id
from models.usage.alert import due
from models.usage.allowance import ALLOWANCE_ID, AdmissionRequest, Allowance
from models.usage.windows import Clock
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = b"a key for tests only"
CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")
STAFF = "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c"

Counts = dict[str, dict[str, int]]


def asked(person: Person) -> Erasure:
    return Erasure.of(person.user_id, "user", None, NOW, KEY)


def drafts(person: Person, session_id: str, *names: str) -> list[Draft]:
    origin = Origin(person.user_id, session_id, NOW, None, Client(), "hash")
    return [Draft(name, a_turn(), origin) for name in names]


def a_note(person: Person) -> AuditEntry:
    return AuditEntry(
        id=str(uuid.uuid4()),
        partition_key=person.user_id,
        user_id=person.user_id,
        actor_id=STAFF,
        actor_roles=["Vimarsh.Admin"],
        act="note",
        reason="A reason",
        audited_at=NOW,
        request_id="request",
    )


async def new_session(store: Store, person: Person) -> str:
    name, user_id = str(uuid.uuid4()), person.user_id
    session = a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id)
    return (await store.sessions.start(session)).session_id


async def stored(database: Database, partition: str) -> dict[str, list[Item]]:
    """Everything in a partition, by container."""
    found = {}
    for name in CONTAINERS:
        container: ContainerProxy = getattr(database, name)
        found[name] = [item async for item in container.query_items("SELECT * FROM c", partition_key=partition)]
    return found


async def kinds(database: Database, person: Person) -> Counts:
    """How much of the user's there is, by container and kind, their email claim counted in."""
    everything = await stored(database, person.user_id)
    counts = {name: Counter(item["kind"] for item in items) for name, items in everything.items()}
    claim = email_claim_id_of(person.tenant_id, str(person.email))
    counts["users"].update(item["kind"] for item in (await stored(database, claim))["users"])
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


async def a_full_account(store: Store, database: Database, person: Person, turns: int = 130) -> Counts:
    """Somebody of whom there is every kind of document; how many of which."""
    user_id = person.user_id
    await store.users.writer(person, NOW, NOW)
    session_id = await new_session(store, person)
    recorded = []
    for start in range(0, turns, 65):
        names = [f"turn-{number}" for number in range(start, min(start + 65, turns))]
        recorded += await store.turns.record(user_id, session_id, drafts(person, session_id, *names))
    turn = recorded[0].interaction
    request = BookmarkRequest(id=str(uuid.uuid4()), partition_key=user_id, request_hash="hash")
    bookmark = await store.bookmarks.save(turn, UserBookmark.of(turn, NOW), request)
    await store.bookmarks.save(recorded[1].interaction, UserBookmark.of(recorded[1].interaction, NOW))
    await store.bookmarks.delete(user_id, bookmark.id, Revisions.of(bookmark.revision), NOW)
    await database.users.create_item(a_note(person).body())
    await store.folding.fold("user_interactions", [result.interaction.body() for result in recorded], NOW)
    await store.counters.bury(DeadLetter.of("user_interactions", {"id": "x", "partition_key": user_id}, "wrong", NOW))
    allowance = Allowance.parse(await database.user_sessions.read_item(ALLOWANCE_ID, user_id))
    for alert in due(allowance, {("day", "queries"): turns}, NOW):
        await database.user_analytics.create_item(alert.body())
    counts = await kinds(database, person)
    assert counts["users"] == {"audit": 1, "email_claim": 1, "profile": 1}
    assert counts["user_sessions"] == {"allowance": 1, "session": 1, "turn_claim": turns}
    assert counts["user_bookmarks"] == {"bookmark": 1, "bookmark_request": 1, "deleted_bookmark": 1}
    assert {"alert", "dead_letter", "ledger", "risk_window", "rollup"} <= counts["user_analytics"].keys()
    return counts


async def erase(store: Store, person: Person) -> Erasure:
    """All the steps of an erasure, as its orchestration takes them."""
    user_id, erasure = person.user_id, asked(person)
    await store.erasures.bar(user_id, erasure)
    store.users.close(user_id)
    await store.erasures.start(erasure.id, NOW + timedelta(minutes=1))
    while True:
        while await store.erasures.sweep(user_id):
            continue
        if await store.erasures.finish(user_id, erasure.id, NOW + timedelta(minutes=2)):
            return await store.erasures.receipt(erasure.id)


async def assert_gone(database: Database, person: Person) -> None:
    """Only tombstones are left, and they hold nothing that is personal."""
    left = await stored(database, person.user_id)
    places = {name: [item["id"] for item in items] for name, items in left.items() if items}
    assert places == {
        "users": [person.user_id],
        "user_sessions": [ALLOWANCE_ID],
        "user_analytics": [risk_window_id(person.user_id)],
    }
    assert all(is_tombstone(item) for items in left.values() for item in items)
    assert not any(word in str(left) for word in (str(person.email), person.name, person.auth_id))


async def test_everything_goes_and_the_receipt_counts_each_document(
    store: Store, database: Database, person: Person
) -> None:
    other = person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": f"other-{person.email}"})
    counts = await a_full_account(store, database, person)
    others = await a_full_account(store, database, other, turns=3)
    receipt = await erase(store, person)
    await assert_gone(database, person)
    assert receipt.deleted == counts
    assert receipt.deleted_total == sum(sum(found.values()) for found in counts.values())
    assert (receipt.status, receipt.requested_by, receipt.requested_at) == ("completed", "user", NOW)
    assert (receipt.started_at, receipt.completed_at) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))
    assert person.user_id not in str(receipt.body())
    assert await kinds(database, other) == others


async def test_everything_done_twice_is_counted_once(store: Store, database: Database, person: Person) -> None:
    counts = await a_full_account(store, database, person)
    receipt = await erase(store, person)
    assert await erase(store, person) == receipt
    assert receipt.deleted == counts
    await assert_gone(database, person)


async def test_processes_that_erase_at_once_count_each_document_once(
    store: Store, database: Database, person: Person
) -> None:
    counts = await a_full_account(store, database, person, turns=260)
    stores = [store, *(Store.of(database, PRICES, PSEUDONYMS) for _ in range(3))]
    receipts = await asyncio.gather(*(erase(each, person) for each in stores))
    assert [receipt.deleted for receipt in receipts] == [counts] * 4
    await assert_gone(database, person)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_erasure_that_is_cut_off_anywhere_ends_with_the_right_counts(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Every request fails now and then, half of them after they have been carried out; all is begun anew each time."""
    counts = await a_full_account(store, database, person, turns=200)
    chance = random.Random(seed)
    cut = 0

    def unreliable(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def request(*arguments: Any, **options: Any) -> Any:
            nonlocal cut
            lost = chance.random()
            if lost < 0.15:
                cut += 1
                raise ServiceResponseError("cut off before")
            answer = await real(*arguments, **options)
            if lost < 0.3:
                cut += 1
                raise ServiceResponseError("cut off after")
            return answer

        return request

    requests = ("execute_item_batch", "create_item", "replace_item", "patch_item", "delete_item", "read_item")
    with monkeypatch.context() as patched:
        for container in CONTAINERS:
            for name in requests:
                proxy = getattr(database, container)
                patched.setattr(proxy, name, unreliable(getattr(proxy, name)))
        while True:
            try:
                receipt = await erase(store, person)
                break
            except ServiceResponseError:
                continue
    assert cut > 20
    assert receipt.deleted == counts
    await assert_gone(database, person)


async def test_what_comes_in_while_it_is_verified_goes_too_and_is_counted(
    store: Store, database: Database, person: Person
) -> None:
    counts = await a_full_account(store, database, person, turns=3)
    erasure = asked(person)
    await store.erasures.bar(person.user_id, erasure)
    while await store.erasures.sweep(person.user_id):
        continue
    late = await new_session(store, person)
    assert await store.erasures.remaining(person.user_id) == {"user_sessions": 1}
    assert not await store.erasures.finish(person.user_id, erasure.id, NOW)
    assert (await store.erasures.receipt(erasure.id)).status == "running"
    receipt = await erase(store, person)
    assert receipt.deleted["user_sessions"] == counts["user_sessions"] | {"session": 2}
    with pytest.raises(NotFound):
        await store.sessions.read(person.user_id, late)


async def test_all_email_claims_are_released_also_one_that_a_dead_process_left(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    left = f"new-{person.email}"
    await database.users.create_item(EmailClaim.of(person.tenant_id, left, person.user_id, NOW).body())
    receipt = await erase(store, person)
    assert receipt.deleted["users"] == {"email_claim": 2, "profile": 1}
    for email in (person.email, left):
        heir = person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": email})
        assert (await store.users.sign_in(heir, NOW, NOW)).email == email


async def test_an_erased_user_can_not_come_back(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    await erase(store, person)
    for process in (store, Store.of(database, PRICES, PSEUDONYMS)):
        later = NOW + timedelta(days=400)
        calls: list[Awaitable[Any]] = [
            process.users.sign_in(person, later, later),
            process.users.ensure(person, later, later),
            process.users.writer(person, later, later),
            process.users.check_not_deleted(person.user_id),
            process.accounts.read(person.user_id),
            process.allowances.read(person.user_id),
        ]
        for call in calls:
            with pytest.raises(AccountClosed) as refusal:
                await call
            assert refusal.value.status == "deleted"
    await assert_gone(database, person)


async def test_a_process_that_goes_by_an_old_profile_records_and_admits_nothing(
    store: Store, database: Database, person: Person
) -> None:
    stale = Store.of(database, PRICES, PSEUDONYMS)
    await stale.users.ensure(person, NOW, NOW)
    session_id = await new_session(stale, person)
    await store.erasures.bar(person.user_id, asked(person))
    assert (await stale.users.writer(person, NOW, NOW)).account_status == "active"
    with pytest.raises(AccountClosed):
        await stale.turns.record(person.user_id, session_id, drafts(person, session_id, "late"))
    request = AdmissionRequest(str(uuid.uuid4()), 10, 10, timedelta(minutes=1), "hash")
    with pytest.raises(AccountClosed):
        await stale.allowances.reserve(person.user_id, request, {}, Clock(NOW, "UTC"))
    await erase(store, person)
    await assert_gone(database, person)


async def test_edits_that_come_too_late_leave_the_tombstone_as_it_is(
    store: Store, database: Database, person: Person
) -> None:
    stale = Store.of(database, PRICES, PSEUDONYMS)
    await a_full_account(stale, database, person, turns=3)
    profile = await stale.users.ensure(person, NOW, NOW)
    changes = (await stored(database, person.user_id))["user_analytics"]
    sessions = (await stored(database, person.user_id))["user_sessions"]
    await erase(store, person)
    tombstone = await database.users.read_item(person.user_id, person.user_id)
    with pytest.raises(AccountClosed):
        await stale.users.writer(person, NOW, NOW, roles={SERVICE_ROLE})
    with pytest.raises(AccountClosed):
        await stale.users.edit(
            person.user_id, Revisions.of(profile.revision), ProfileChanges(timezone="Europe/Paris"), NOW
        )
    assert await stale.directory.begin(profile, NOW) is None
    window = next(item for item in changes if item["kind"] == "risk_window") | {"suspected": True}
    all_time = next(item for item in changes if item["kind"] == "rollup") | {
        "id": f"{person.user_id}:all_time",
        "analytics_period": "all_time",
        "period_key": "",
    }
    await stale.folding.fold("user_analytics", [*changes, window, all_time], NOW)
    await stale.folding.fold("user_sessions", sessions, NOW)
    await stale.alerts.sessions(sessions, NOW)
    assert await database.users.read_item(person.user_id, person.user_id) == tombstone
    await assert_gone(database, person)


async def test_feed_events_of_an_erased_user_fold_and_bury_nothing(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    session_id = await new_session(store, person)
    (recorded,) = await store.turns.record(person.user_id, session_id, drafts(person, session_id, "turn"))
    await erase(store, person)
    turn = recorded.interaction.body()
    await store.folding.fold("user_interactions", [turn, turn | {"id": "bad", "input_tokens": "none"}], NOW)
    await store.counters.fold(person.user_id, [of_interaction(recorded.interaction)], NOW)
    await assert_gone(database, person)


async def test_a_fold_that_has_read_before_the_tombstone_came_writes_nothing(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.users.ensure(person, NOW, NOW)
    session_id = await new_session(store, person)
    (recorded,) = await store.turns.record(person.user_id, session_id, drafts(person, session_id, "turn"))
    real, raced = store.counters._hold, 0

    async def overtaken(held: Held, sources: list[Source]) -> None:
        nonlocal raced
        await real(held, sources)
        if held.partition == person.user_id and not raced:
            raced += 1
            await erase(Store.of(database, PRICES, PSEUDONYMS), person)

    monkeypatch.setattr(store.counters, "_hold", overtaken)
    await store.folding.fold("user_interactions", [recorded.interaction.body()], NOW)
    assert raced == 1
    await assert_gone(database, person)


async def test_a_rebuild_that_has_read_before_all_was_deleted_writes_nothing(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_full_account(store, database, person, turns=3)
    real, read = store.rebuilding._tally, list[Any]()

    async def slow(user_id: str, level: Any) -> Any:
        if not read:
            read.append(await real(user_id, level))
            await erase(Store.of(database, PRICES, PSEUDONYMS), person)
        return read[0]

    monkeypatch.setattr(store.rebuilding, "_tally", slow)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert [drift.repaired for drift in found.drifted if drift.is_missing] == [False] * len(found.drifted)
    assert found.drifted
    await assert_gone(database, person)


async def test_a_profile_that_is_read_while_the_account_is_closed_is_not_gone_by(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await store.erasures.bar(person.user_id, asked(person))
    store.users.close(person.user_id)
    store.users.remember(profile)  # as a request does that had asked for it before
    store.users._closed.clear()  # the time has passed that it is remembered to be closed
    with pytest.raises(AccountClosed):
        await store.users.recent(person.user_id)


async def test_moderation_of_an_account_that_is_closed_meanwhile_is_stale(
    store: Store, database: Database, person: Person
) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await store.erasures.bar(person.user_id, asked(person))
    override = LimitOverride(limits=DEFAULT_LIMITS, reason="A reason", by=STAFF, at=NOW)
    with pytest.raises(Stale):
        await store.accounts.set_limits(profile, override, a_note(person))


async def test_a_receipt_that_is_always_overtaken_is_an_error_and_loses_no_counts(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = await a_full_account(store, database, person, turns=3)
    erasure = asked(person)
    await store.erasures.bar(person.user_id, erasure)
    while await store.erasures.sweep(person.user_id):
        continue
    real = store.erasures.remaining

    async def overtaken(user_id: str) -> dict[str, int]:
        item = await database.users.read_item(erasure.id, erasure.id)
        await database.users.replace_item(erasure.id, item)
        return await real(user_id)

    with monkeypatch.context() as patched:
        patched.setattr(store.erasures, "remaining", overtaken)
        with pytest.raises(Contention):
            await store.erasures.finish(person.user_id, erasure.id, NOW)
    assert (await erase(store, person)).deleted == counts
