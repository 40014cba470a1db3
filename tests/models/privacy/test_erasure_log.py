"""The log of erasures: what an entry is, where to look for it, and how far it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.privacy.erasure import erasure_id_of
from models.privacy.erasure_log import (
    ANY_KEY,
    REACH,
    Entry,
    ErasureMark,
    Keys,
    beginnings,
    count_of,
    is_among,
    known_until,
    parsed,
)

NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
ID = "0b7b1a52-9f5e-4d0f-9c1d-76696d617273"
USERS = [f"{number:08x}-0000-5000-8000-76696d617273" for number in range(5)]
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.uuids())
def test_an_entry_is_its_name(moment: datetime, erasure_id: object) -> None:
    entry = Entry(moment, str(erasure_id), "0123abcd")
    assert Entry.parse(entry.name) == entry


@given(st.lists(MOMENTS))
def test_names_are_in_the_order_of_their_moments(moments: list[datetime]) -> None:
    entries = [Entry(moment, ID, ANY_KEY) for moment in moments]
    assert [entry.name for entry in sorted(entries)] == sorted(entry.name for entry in entries)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "20261201T043000",
        f"20261201T043000.000000Z_{ID}",
        f"20261201T043000.000000Z_{ID}_0123abc",
        f"20261301T043000.000000Z_{ID}_0123abcd",
        f"x20261201T043000.000000Z_{ID}_0123abcd",
        f"20261201T043000.000000Z_{ID}_0123abcd~",
        ".DS_Store",
    ],
)
def test_what_is_no_entry_is_left_out(name: str) -> None:
    entry = Entry(NOW, ID, "0123abcd")
    assert parsed([name, entry.name]) == [entry]


@given(MOMENTS, st.timedeltas(timedelta(0), REACH), st.floats(0, 1))
def test_every_entry_of_a_span_begins_with_one_of_few(since: datetime, span: timedelta, share: float) -> None:
    entry, found = Entry(since + span * share, ID, ANY_KEY), beginnings(since, since + span)
    assert sum(entry.name.startswith(one) for one in found) == 1
    assert len(found) <= REACH.days + 1


def test_a_look_soon_after_the_last_one_lists_an_hour_or_two() -> None:
    assert beginnings(NOW - timedelta(minutes=40), NOW) == ["20261201T03", "20261201T04"]


def test_the_mark_goes_on_and_never_back() -> None:
    mark = ErasureMark(known_until=NOW, newest="b")
    assert mark.moved(NOW - timedelta(hours=1), "a").known_until == NOW
    assert mark.moved(NOW - timedelta(hours=1), "a").newest == "b"
    later = mark.moved(NOW + timedelta(hours=1), None)
    assert (later.known_until, later.newest, later.revision) == (NOW + timedelta(hours=1), "b", 2)


def test_the_log_is_looked_at_no_further_back_than_it_may_matter() -> None:
    assert known_until(None, NOW) == NOW - REACH
    assert known_until(ErasureMark(known_until=NOW - timedelta(days=400)), NOW) == NOW - REACH
    assert known_until(ErasureMark(known_until=NOW - timedelta(days=4)), NOW) == NOW - timedelta(days=4)


def test_users_are_found_by_whichever_key_they_were_noted_with() -> None:
    keys = Keys(b"new", (b"old",))
    noted = {USERS[0]: erasure_id_of(USERS[0], b"new"), USERS[1]: erasure_id_of(USERS[1], b"old")}
    unknown = erasure_id_of(USERS[2], b"nobody's")
    entries = [Entry(NOW, erasure_id, ANY_KEY) for erasure_id in (*noted.values(), unknown)]
    assert keys.named(USERS, entries) == noted
    assert Keys(b"new").named(USERS, entries) == {USERS[0]: noted[USERS[0]]}
    assert {keys.of(user_id, erasure_id) for user_id, erasure_id in noted.items()} == set(keys.ids)
    assert keys.of(USERS[2], unknown) == ANY_KEY


def test_an_erasure_is_the_same_whichever_key_it_is_noted_with() -> None:
    entry, again = Entry(NOW, ID, "0123abcd"), Entry(NOW, ID, ANY_KEY)
    assert is_among(entry, [again])
    assert not is_among(entry, [Entry(NOW + timedelta(microseconds=1), ID, "0123abcd")])
    assert count_of([entry, again]) == 1
