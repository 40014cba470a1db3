"""Moderating accounts: with its record or not at all."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import pytest_asyncio

from cosmos.accounts.accounts import AccountFilter
from cosmos.core.database import Database
from cosmos.core.swapping import Outrun
from functions.composition import Store
from models.accounts.audit import AuditEntry
from models.accounts.moderation import ACTIONS_KEPT, ModerationAction, ModerationKind, status_after
from models.accounts.profile import UserProfile
from models.core.errors import AccountClosed, NotFound, Stale
from models.core.identity import Person
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACTOR = "44444444-4444-4444-8444-444444444444"


@pytest_asyncio.fixture(loop_scope="session")
async def profile(store: Store, person: Person) -> UserProfile:
    return await store.users.ensure(person, NOW, NOW)


def an_act(
    profile: UserProfile, kind: ModerationKind, reason: str = "So", **changes: Any
) -> tuple[ModerationAction, AuditEntry]:
    action = ModerationAction(
        action=kind,
        reason=reason,
        by=ACTOR,
        at=NOW,
        status_before=profile.account_status,
        status_after=status_after(kind, profile.account_status),
    )
    values = {
        "id": str(uuid.uuid4()),
        "partition_key": profile.id,
        "user_id": profile.id,
        "actor_id": ACTOR,
        "actor_roles": [],
        "act": kind,
        "reason": reason,
        "audited_at": NOW,
        "request_id": "r",
    }
    return action, AuditEntry.model_validate(values | changes)


async def test_of_two_decisions_on_the_same_account_one_is_stale(store: Store, profile: UserProfile) -> None:
    suspended = await store.accounts.moderate(profile, *an_act(profile, "suspend"))
    assert (suspended.account_status, suspended.revision) == ("suspended", profile.revision + 1)
    with pytest.raises(Stale):
        await store.accounts.moderate(profile, *an_act(profile, "block"))
    entries, _ = await store.audit.page(profile.id, 10, None)
    assert [entry.act for entry in entries] == ["suspend"]


async def test_a_decision_that_can_not_be_recorded_is_not_taken(store: Store, profile: UserProfile) -> None:
    action, entry = an_act(profile, "note")
    noted = await store.accounts.moderate(profile, action, entry)
    with pytest.raises(Outrun):
        await store.accounts.moderate(noted, *an_act(noted, "suspend", id=entry.id))
    assert (await store.accounts.read(profile.id)).account_status == "active"


async def test_an_account_that_is_gone_is_not_found(store: Store, database: Database, profile: UserProfile) -> None:
    await database.users.delete_item(profile.id, profile.id)
    with pytest.raises(NotFound):
        await store.accounts.moderate(profile, *an_act(profile, "suspend"))
    with pytest.raises(NotFound):
        await store.accounts.read(profile.id)


async def test_a_profile_keeps_the_latest_actions_and_the_audit_all(store: Store, profile: UserProfile) -> None:
    for n in range(ACTIONS_KEPT + 2):
        profile = await store.accounts.moderate(profile, *an_act(profile, "note", f"note {n}"))
    assert [action.reason for action in profile.moderation_actions][:1] == ["note 2"]
    assert (len(profile.moderation_actions), profile.admin_notes) == (ACTIONS_KEPT, f"note {ACTIONS_KEPT + 1}")
    entries, following = await store.audit.page(profile.id, 100, None)
    assert (len(entries), following) == (ACTIONS_KEPT + 2, None)


async def test_other_processes_follow_when_they_read_the_profile_again(
    store: Store, database: Database, person: Person, profile: UserProfile
) -> None:
    elsewhere = Store.of(database, PRICES, PSEUDONYMS)
    await elsewhere.users.writer(person, NOW, NOW)
    await store.accounts.moderate(profile, *an_act(profile, "suspend"))
    with pytest.raises(AccountClosed):
        await store.users.writer(person, NOW, NOW)
    elsewhere.users._seen.expire(elsewhere.users._seen.timer() + 30)
    with pytest.raises(AccountClosed):
        await elsewhere.users.writer(person, NOW, NOW)


async def test_a_search_finds_profiles_only(store: Store, profile: UserProfile) -> None:
    await store.accounts.moderate(profile, *an_act(profile, "note"))
    rows, _ = await store.accounts.page(AccountFilter(name=profile.name), 10, None)
    assert [row.id for row in rows] == [profile.id]
