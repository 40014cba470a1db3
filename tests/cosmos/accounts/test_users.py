"""Profiles and the claims that make emails unique."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from cosmos.core.database import Database
from functions.core.services import Store
from models.accounts.profile import EmailClaim
from models.accounts.profile_changes import ProfileChanges
from models.core.errors import AccountClosed, EmailTaken, NotFound, Stale
from models.core.identity import Person, email_claim_id_of
from models.core.revisions import Revisions
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_many_first_sign_ins_at_once_make_one_profile(store: Store, person: Person) -> None:
    profiles = await asyncio.gather(
        *(store.users.sign_in(person, NOW + timedelta(seconds=n), NOW, is_admin=False) for n in range(8))
    )
    assert len({profile.created_at for profile in profiles}) == 1


async def test_a_claim_left_by_a_crash_does_not_lock_its_owner_out(
    store: Store, database: Database, person: Person
) -> None:
    await database.users.create_item(EmailClaim.of(person.email, person.user_id, NOW).body())
    profile = await store.users.sign_in(person, NOW, NOW, is_admin=False)
    assert profile.email == person.email


async def test_the_second_account_with_an_email_is_refused(store: Store, person: Person) -> None:
    await store.users.sign_in(person, NOW, NOW, is_admin=False)
    twin = person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": person.email.upper()})
    with pytest.raises(EmailTaken):
        await store.users.sign_in(twin, NOW, NOW, is_admin=False)
    assert await store.users.find(twin.user_id) is None


async def test_a_changed_email_moves_its_claim(store: Store, database: Database, person: Person) -> None:
    await store.users.sign_in(person, NOW, NOW, is_admin=False)
    moved = person.model_copy(update={"email": f"new-{person.email}"})
    profile = await store.users.sign_in(moved, NOW, NOW, is_admin=False)
    assert profile.email == moved.email
    heir = person.model_copy(update={"auth_id": str(uuid.uuid4())})
    assert (await store.users.sign_in(heir, NOW, NOW, is_admin=False)).email == person.email
    claim = email_claim_id_of(moved.email)
    assert (await database.users.read_item(claim, claim))["user_id"] == person.user_id


async def test_an_email_that_is_taken_can_not_be_moved_to(store: Store, person: Person) -> None:
    owner = person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": f"owner-{person.email}"})
    await store.users.sign_in(owner, NOW, NOW, is_admin=False)
    await store.users.sign_in(person, NOW, NOW, is_admin=False)
    with pytest.raises(EmailTaken):
        await store.users.sign_in(person.model_copy(update={"email": owner.email}), NOW, NOW, is_admin=False)
    assert (await store.users.sign_in(person, NOW, NOW, is_admin=False)).email == person.email


async def test_only_a_newer_token_is_a_login(store: Store, person: Person) -> None:
    first = await store.users.sign_in(person, NOW, NOW, is_admin=False)
    same = await store.users.sign_in(person, NOW, NOW - timedelta(hours=1), is_admin=False)
    assert (same.last_login, same.revision) == (NOW, first.revision)
    later = await store.users.sign_in(person, NOW, NOW + timedelta(hours=1), is_admin=False)
    assert later.last_login == NOW + timedelta(hours=1)


@pytest.mark.parametrize("status", ["suspended", "blocked", "deleted"])
async def test_an_account_that_is_not_active_may_not_write(
    database: Database, store: Store, person: Person, status: str
) -> None:
    await store.users.ensure(person, NOW, NOW)
    operations = [{"op": "set", "path": "/account_status", "value": status}]
    await database.users.patch_item(person.user_id, person.user_id, operations)
    elsewhere = Store.of(database, PRICES, PSEUDONYMS)
    with pytest.raises(AccountClosed) as refusal:
        await elsewhere.users.writer(person, NOW, NOW)
    assert refusal.value.status == status


async def test_a_profile_that_does_not_exist_can_not_be_edited(store: Store, person: Person) -> None:
    with pytest.raises(NotFound):
        await store.users.edit(person.user_id, Revisions.of(1), ProfileChanges(marketing_consent=True), NOW)


async def test_an_edit_is_seen_by_this_process_at_once(store: Store, person: Person) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await store.users.edit(person.user_id, Revisions.of(profile.revision), ProfileChanges(timezone="Europe/Paris"), NOW)
    assert (await store.users.writer(person, NOW, NOW)).timezone == "Europe/Paris"


async def test_an_edit_of_a_profile_that_changed_since_is_stale(store: Store, person: Person) -> None:
    profile = await store.users.ensure(person, NOW, NOW)
    await store.users.edit(person.user_id, Revisions.of(profile.revision), ProfileChanges(timezone="Europe/Paris"), NOW)
    with pytest.raises(Stale):
        await store.users.edit(person.user_id, Revisions.of(profile.revision), ProfileChanges(timezone=None), NOW)
