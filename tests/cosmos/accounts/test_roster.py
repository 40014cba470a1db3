"""The roster of admins: one who is active is left, whatever is closed at once, late, or not at all."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from cosmos.accounts.roster import Roster
from cosmos.core.database import Database
from cosmos.core.swapping import ATTEMPTS, Outrun
from functions.composition import Store
from models.accounts.staff import ADMIN_FOR, CLOSING_LASTS, ROSTER_ID, StaffRoster
from models.core.app_roles import ADMIN_ROLE, MODERATOR_ROLE
from models.core.errors import AccountClosed, Contention, LastAdmin
from models.core.identity import Person
from tests.cosmos.conftest import NOW

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def roster(database: Database) -> Roster:
    """With nobody on it."""
    await database.users.upsert_item(StaffRoster().body())
    return Roster(database)


async def an_admin(store: Store, person: Person, seen: datetime = NOW) -> str:
    somebody = person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": None})
    return (await store.users.writer(somebody, NOW, seen, {ADMIN_ROLE})).id


async def test_whoever_shows_the_role_is_on_it_until_they_show_another(
    store: Store, roster: Roster, person: Person
) -> None:
    await store.users.writer(person, NOW, NOW, {ADMIN_ROLE})
    await store.users.writer(person, NOW, NOW, {ADMIN_ROLE})
    assert (await roster._read())[0].admins == [person.user_id]
    await store.users.writer(person, NOW, NOW + timedelta(minutes=1), {MODERATOR_ROLE})
    assert (await roster._read())[0].admins == []


async def test_the_first_admin_makes_it(store: Store, database: Database, roster: Roster, person: Person) -> None:
    await database.users.delete_item(ROSTER_ID, ROSTER_ID)
    people = [person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": None}) for _ in range(5)]
    await asyncio.gather(*(store.users.writer(one, NOW, NOW, {ADMIN_ROLE}) for one in people))
    assert sorted((await roster._read())[0].admins) == sorted(one.user_id for one in people)


async def test_who_is_being_closed_closes_nobody_until_that_has_lapsed(
    store: Store, roster: Roster, person: Person
) -> None:
    one, other, _ = [await an_admin(store, person) for _ in range(3)]
    await roster.begin_closing(one, "blocked", other, NOW)
    with pytest.raises(AccountClosed) as refusal:
        await roster.begin_closing(other, "suspended", one, NOW)
    assert refusal.value.status == "blocked"
    await roster.begin_closing(other, "suspended", one, NOW + CLOSING_LASTS)
    assert list((await roster._read())[0].closings) == [other]


async def test_a_closing_that_came_to_nothing_is_forgotten(store: Store, roster: Roster, person: Person) -> None:
    one, other = [await an_admin(store, person) for _ in range(2)]
    await roster.begin_closing(one, "suspended", other, NOW)
    await roster.reopen(one)
    await roster.reopen(one)
    await roster.begin_closing(other, "suspended", one, NOW)


@pytest.mark.parametrize("status", ["suspended", "blocked"])
async def test_an_admin_who_can_not_act_does_not_count(
    store: Store, database: Database, roster: Roster, person: Person, status: str
) -> None:
    one, other = [await an_admin(store, person) for _ in range(2)]
    await database.users.patch_item(other, other, [{"op": "set", "path": "/account_status", "value": status}])
    with pytest.raises(LastAdmin):
        await roster.begin_closing(one, "suspended", other, NOW)


async def test_an_admin_who_has_not_been_seen_for_long_does_not_count(
    store: Store, roster: Roster, person: Person
) -> None:
    one, _ = [await an_admin(store, person, seen) for seen in (NOW, NOW - ADMIN_FOR)]
    with pytest.raises(LastAdmin):
        await roster.begin_closing(one, "deleted", one, NOW)


async def test_an_admin_whose_account_is_gone_does_not_count(
    store: Store, database: Database, roster: Roster, person: Person
) -> None:
    one, other = [await an_admin(store, person) for _ in range(2)]
    await database.users.delete_item(other, other)
    with pytest.raises(LastAdmin):
        await roster.begin_closing(one, "deleted", one, NOW)


async def test_many_who_close_each_other_at_once_leave_one(store: Store, roster: Roster, person: Person) -> None:
    admins = [await an_admin(store, person) for _ in range(6)]
    wanted = [(target, by) for target in admins for by in admins if target != by]
    outcomes = await asyncio.gather(
        *(roster.begin_closing(target, "suspended", by, NOW) for target, by in wanted), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} <= {type(None), AccountClosed, LastAdmin, Contention}
    held, _ = await roster._read()
    assert len(held.who_may_be_left("nobody", NOW)) >= 1


async def test_who_loses_every_time_is_told_to_call_again(
    store: Store, roster: Roster, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = [await an_admin(store, person) for _ in range(2)]
    tries = 0

    async def lost(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise Outrun("changed")

    monkeypatch.setattr("cosmos.accounts.roster.write_over", lost)
    for attempt in (roster.begin_closing(one, "suspended", other, NOW), roster.leave(one)):
        with pytest.raises(Contention):
            await attempt
    assert tries == 2 * ATTEMPTS
