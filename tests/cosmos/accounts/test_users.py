"""Profiles and the claims that make emails unique."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from cosmos.core.database import Database
from cosmos.core.reading import read_or_none
from functions.composition import Store
from models.accounts.claims import EmailClaim
from models.accounts.profile_changes import ProfileChanges
from models.core.app_roles import ADMIN_ROLE, MODERATOR_ROLE
from models.core.errors import AccountClosed, NotFound, Stale
from models.core.identity import Person, email_claim_id_of
from models.core.revisions import Revisions
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

LATER = NOW + timedelta(hours=1)


async def test_many_first_sign_ins_at_once_make_one_profile(store: Store, person: Person) -> None:
    profiles = await asyncio.gather(*(store.users.sign_in(person, NOW + timedelta(seconds=n), NOW) for n in range(8)))
    assert len({profile.created_at for profile in profiles}) == 1


async def test_a_claim_left_by_a_crash_does_not_lock_its_owner_out(
    store: Store, database: Database, person: Person
) -> None:
    await database.users.create_item(EmailClaim.of(person.tenant_id, str(person.email), person.user_id, NOW).body())
    profile = await store.users.sign_in(person, NOW, NOW)
    assert profile.email == person.email


def another(person: Person, **changes: str | None) -> Person:
    return person.model_copy(update={"auth_id": str(uuid.uuid4())} | changes)


async def holder_of(database: Database, person: Person) -> str | None:
    claim_id = email_claim_id_of(person.tenant_id, str(person.email))
    claim = await read_or_none(database.users, claim_id, claim_id)
    return claim["user_id"] if claim else None


async def test_an_address_that_somebody_else_holds_locks_nobody_out(
    store: Store, database: Database, person: Person
) -> None:
    assert (await store.users.sign_in(person, NOW, NOW)).email_status == "claimed"
    twin = another(person, email=str(person.email).upper())
    for profile in (await store.users.sign_in(twin, NOW, NOW), await store.users.sign_in(twin, NOW, LATER)):
        assert (profile.email, profile.email_status) == (twin.email, "contested")
    assert await holder_of(database, person) == person.user_id


async def test_tenants_share_no_addresses(store: Store, person: Person) -> None:
    abroad = person.model_copy(update={"tenant_id": "11111111-2222-4333-8444-555555555555"})
    for one in (person, abroad):
        assert (await store.users.sign_in(one, NOW, NOW)).email_status == "claimed"


async def test_a_claim_moves_when_its_holder_shows_another_address(
    store: Store, database: Database, person: Person
) -> None:
    heir = another(person)
    await store.users.sign_in(person, NOW, NOW)
    await store.users.sign_in(heir, NOW, NOW)
    moved = person.model_copy(update={"email": f"new-{person.email}"})
    profile = await store.users.sign_in(moved, NOW, NOW)
    assert (profile.email, profile.email_status) == (moved.email, "claimed")
    assert await holder_of(database, person) is None
    assert (await store.users.sign_in(heir, NOW, NOW)).email_status == "claimed"  # with the token that was contested
    assert await holder_of(database, person) == heir.user_id
    assert await holder_of(database, moved) == person.user_id


async def test_who_shows_no_address_any_more_lets_it_go(store: Store, database: Database, person: Person) -> None:
    await store.users.sign_in(person, NOW, NOW)
    bare = await store.users.sign_in(person.model_copy(update={"email": None}), NOW, NOW)
    assert (bare.email, bare.email_status) == (None, "absent")
    assert await holder_of(database, person) is None
    assert (await store.users.sign_in(person, NOW, NOW)).email_status == "claimed"


async def test_who_moves_to_an_address_that_is_held_is_contested_there(
    store: Store, database: Database, person: Person
) -> None:
    owner = another(person, email=f"owner-{person.email}")
    await store.users.sign_in(owner, NOW, NOW)
    await store.users.sign_in(person, NOW, NOW)
    moved = await store.users.sign_in(person.model_copy(update={"email": owner.email}), NOW, NOW)
    assert (moved.email, moved.email_status) == (owner.email, "contested")
    assert await holder_of(database, person) is None
    back = await store.users.sign_in(person, NOW, NOW)
    assert (back.email, back.email_status) == (person.email, "claimed")
    assert await holder_of(database, owner) == owner.user_id


async def test_a_claim_that_was_lost_is_noticed_by_the_next_token(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.sign_in(person, NOW, NOW)
    taken = EmailClaim.of(person.tenant_id, str(person.email), another(person).user_id, NOW)
    await database.users.upsert_item(taken.body())
    assert (await store.users.sign_in(person, NOW, NOW)).email_status == "claimed"
    assert (await store.users.sign_in(person, NOW, LATER)).email_status == "contested"
    await database.users.delete_item(taken.id, taken.id)
    assert (await store.users.sign_in(person, NOW, LATER)).email_status == "claimed"


async def test_of_many_who_show_an_address_at_once_one_holds_it(store: Store, person: Person) -> None:
    people = [another(person) for _ in range(8)]
    profiles = await asyncio.gather(*(store.users.sign_in(one, NOW, NOW) for one in people))
    assert sorted(profile.email_status for profile in profiles) == ["claimed", *["contested"] * 7]


async def test_a_token_may_change_all_that_it_tells_at_once(store: Store, person: Person) -> None:
    await store.users.sign_in(person, NOW, NOW)
    changed = person.model_copy(
        update={"email": None, "name": "Another Name", "given_name": "Another", "family_name": "Name"}
    )
    profile = await store.users.sign_in(changed, NOW, LATER, {ADMIN_ROLE, MODERATOR_ROLE})
    assert (profile.name, profile.given_name, profile.family_name) == ("Another Name", "Another", "Name")
    assert (profile.email_status, profile.last_login, profile.is_admin) == ("absent", LATER, True)


async def test_the_roles_of_the_newest_token_are_remembered(store: Store, person: Person) -> None:
    assert (await store.users.writer(person, NOW, NOW, {MODERATOR_ROLE, "Else"})).staff_roles == [MODERATOR_ROLE]
    admin = await store.users.writer(person, NOW, LATER, {ADMIN_ROLE})
    assert (admin.staff_roles, admin.staff_roles_seen_at, admin.is_admin) == ([ADMIN_ROLE], LATER, True)
    older = await store.users.writer(person, NOW, NOW, {MODERATOR_ROLE})
    assert older.staff_roles == [ADMIN_ROLE]
    same = await store.users.writer(person, NOW, LATER + timedelta(hours=1), {ADMIN_ROLE})
    assert same.revision == admin.revision
    assert (await store.users.writer(person, NOW, LATER, None)).is_admin
    assert not (await store.users.writer(person, NOW, LATER + timedelta(hours=2), set())).is_admin


async def test_only_a_newer_token_is_a_login(store: Store, person: Person) -> None:
    first = await store.users.sign_in(person, NOW, NOW)
    same = await store.users.sign_in(person, NOW, NOW - timedelta(hours=1))
    assert (same.last_login, same.revision) == (NOW, first.revision)
    later = await store.users.sign_in(person, NOW, NOW + timedelta(hours=1))
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
