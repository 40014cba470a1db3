"""The decision on who may do what: every source of rights, every reason for a refusal, by the day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.app_roles import ADMIN_ROLE, ADMINS, INGEST_ROLE, MODERATOR_ROLE, MODERATORS
from models.core.rights import PLATFORM, Action, Asker, Held, Reason, Source, Standing, Target, decide

TODAY = date(2026, 11, 20)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

ALICE, BOB = Asker("alice"), Asker("bob")
MODERATOR, ADMIN = Asker("mod", frozenset({MODERATOR_ROLE})), Asker("root", frozenset({ADMIN_ROLE}))
SERVER = Asker(None, frozenset({INGEST_ROLE}))
HERS = Target(owner="alice")
SCHOOL = Target(organization="school")

MODERATE = Action(name="user.moderate", to="user", staff=MODERATORS, spares="oneself and superiors", changes=True)
READ_WORDS = Action(name="user.read_words", to="user", staff=MODERATORS, spares="superiors")
ADMIT = Action(name="admission.make", to="admission", owner=True, servers=frozenset({INGEST_ROLE}))
INGEST = Action(name="turn.ingest", to="turn", servers=frozenset({INGEST_ROLE}))
READ_RECEIPT = Action(name="receipt.read", to="receipt", owner=True, staff=ADMINS)
OWN = Action(name="thing.read", to="thing", owner=True)
BROWSE = Action(name="item.read", to="item", people=True)
HEALTH = Action(name="health.read", to="app", anyone=True)
LIST_MEMBERS = Action(name="member.list", to="organization", member=True, staff=ADMINS)
MANAGE = Action(name="member.add", to="organization", permission="members.manage", changes=True)
COMMENT = Action(name="thing.comment", to="thing", owner=True, shared="comment")
SEE_WARD = Action(name="ward.read", to="child", guardian=True)


def manager(since: date = YESTERDAY, until: date | None = None) -> Asker:
    held = Held(frozenset({"members.manage"}), since, until, by="admin")
    return Asker("alice", standings={"school": Standing((held,))})


@pytest.mark.parametrize(
    ("asker", "action", "target", "source"),
    [
        (None, HEALTH, PLATFORM, Source.ANYONE),
        (SERVER, HEALTH, PLATFORM, Source.ANYONE),
        (ALICE, BROWSE, PLATFORM, Source.PERSON),
        (ALICE, OWN, HERS, Source.OWNERSHIP),
        (MODERATOR, MODERATE, HERS, Source.TOKEN),
        (ADMIN, MODERATE, Target(owner="mod", rank=1), Source.TOKEN),
        (MODERATOR, MODERATE, Target(owner="another", rank=1), Source.TOKEN),
        (MODERATOR, READ_WORDS, Target(owner="mod", rank=1), Source.TOKEN),
        (ADMIN, READ_RECEIPT, HERS, Source.TOKEN),
        (ADMIN, READ_RECEIPT, Target(owner="root"), Source.OWNERSHIP),
        (SERVER, ADMIT, HERS, Source.TOKEN),
        (ALICE, ADMIT, HERS, Source.OWNERSHIP),
        (SERVER, INGEST, PLATFORM, Source.TOKEN),
        (manager(), LIST_MEMBERS, SCHOOL, Source.ORGANIZATION),
        (ADMIN, LIST_MEMBERS, SCHOOL, Source.TOKEN),
        (manager(), MANAGE, SCHOOL, Source.ORGANIZATION),
        (manager(TODAY, TODAY), MANAGE, SCHOOL, Source.ORGANIZATION),
        (manager(), LIST_MEMBERS, Target(organization="school", switched_off=True), Source.ORGANIZATION),
        (BOB, COMMENT, Target(owner="alice", shares={"bob": "edit"}), Source.SHARE),
        (BOB, SEE_WARD, Target(owner="child", guardians=frozenset({"bob"})), Source.GUARDIANSHIP),
    ],
)
def test_who_has_a_right_is_told_by_what(asker: Asker | None, action: Action, target: Target, source: Source) -> None:
    decision = decide(asker, action, target, TODAY)
    assert (decision.is_allowed, decision.source, decision.reason) == (True, source, None)


@pytest.mark.parametrize(
    ("asker", "action", "target", "reason", "told"),
    [
        (None, OWN, PLATFORM, Reason.NEEDS_ROLE, "a token"),
        (ALICE, MODERATE, HERS, Reason.NEEDS_ROLE, "Vimarsh.Admin or Vimarsh.Moderator, in a token of a home tenant"),
        (MODERATOR, READ_RECEIPT, HERS, Reason.NOT_THEIRS, "somebody else's"),
        (MODERATOR, MODERATE, Target(owner="mod", rank=1), Reason.OWN_ACCOUNT, "own account"),
        (MODERATOR, MODERATE, Target(owner="root", rank=2), Reason.OUTRANKED, "Ask an admin"),
        (MODERATOR, READ_WORDS, Target(owner="root", rank=2), Reason.OUTRANKED, "Ask an admin"),
        (SERVER, MODERATE, HERS, Reason.NEEDS_ROLE, "Vimarsh.Moderator"),
        (Asker(None, ADMINS), MODERATE, HERS, Reason.FOR_PEOPLE, "not for applications"),
        (SERVER, OWN, HERS, Reason.FOR_PEOPLE, "not for applications"),
        (SERVER, BROWSE, PLATFORM, Reason.FOR_PEOPLE, "not for applications"),
        (Asker(None, ADMINS), ADMIT, HERS, Reason.NEEDS_ROLE, "Vimarsh.Ingest"),
        (ALICE, INGEST, PLATFORM, Reason.NEEDS_ROLE, "Vimarsh.Ingest"),
        (Asker("alice", frozenset({INGEST_ROLE})), INGEST, PLATFORM, Reason.FOR_APPLICATIONS, "not for people"),
        (BOB, OWN, HERS, Reason.NOT_THEIRS, "somebody else's"),
        (ALICE, OWN, PLATFORM, Reason.NOT_THEIRS, "somebody else's"),
        (BOB, MANAGE, SCHOOL, Reason.NOT_A_MEMBER, "not a member"),
        (manager(), MANAGE, Target(organization="clinic"), Reason.NOT_A_MEMBER, "not a member"),
        (MODERATOR, LIST_MEMBERS, SCHOOL, Reason.NOT_A_MEMBER, "not a member"),
        (Asker("bob", standings={"school": Standing()}), MANAGE, SCHOOL, Reason.NEEDS_PERMISSION, "members.manage"),
        (manager(until=YESTERDAY), MANAGE, SCHOOL, Reason.ENDED, "ended on 2026-11-19"),
        (manager(since=TOMORROW), MANAGE, SCHOOL, Reason.NOT_YET, "begins on 2026-11-21"),
        (manager(), MANAGE, Target(organization="school", switched_off=True), Reason.SWITCHED_OFF, "switched off"),
        (SERVER, MANAGE, SCHOOL, Reason.FOR_PEOPLE, "not for applications"),
        (BOB, COMMENT, Target(owner="alice", shares={"bob": "read"}), Reason.NOT_THEIRS, "somebody else's"),
        (BOB, SEE_WARD, Target(owner="child", guardians=frozenset({"alice"})), Reason.NOT_THEIRS, "somebody else's"),
    ],
)
def test_a_refusal_says_what_is_missing(
    asker: Asker | None, action: Action, target: Target, reason: Reason, told: str
) -> None:
    decision = decide(asker, action, target, TODAY)
    assert (decision.is_allowed, decision.source, decision.reason) == (False, None, reason)
    assert told in decision.detail


def test_what_one_may_not_know_of_is_not_told() -> None:
    assert {reason for reason in Reason if not reason.is_told} == {Reason.NOT_THEIRS, Reason.NOT_A_MEMBER}


def test_who_needs_an_app_role_and_who_does_not() -> None:
    assert MODERATE.app_roles == MODERATORS
    assert INGEST.app_roles == {INGEST_ROLE}
    assert [action.app_roles for action in (ADMIT, READ_RECEIPT, LIST_MEMBERS, OWN, HEALTH)] == [frozenset()] * 5
    assert [action for action in (MODERATE, ADMIT, INGEST, LIST_MEMBERS) if action.is_for_servers] == [INGEST]
    assert [action for action in (MODERATE, ADMIT, INGEST, LIST_MEMBERS) if action.is_for_staff] == [MODERATE]


DAYS = st.dates(date(2026, 11, 1), date(2026, 11, 30))
PERMISSIONS = ("members.manage", "members.read", "roles.manage")


HELD = st.lists(st.tuples(st.frozensets(st.sampled_from(PERMISSIONS)), DAYS, st.none() | DAYS), max_size=6)


@given(held=HELD, day=DAYS)
def test_a_permission_counts_on_the_days_it_is_given_for_and_both_ends_are_in(
    held: list[tuple[frozenset[str], date, date | None]], day: date
) -> None:
    """Compared with the days written out, one by one."""
    asker = Asker("alice", standings={"school": Standing(tuple(Held(*one) for one in held))})
    last = date(2026, 12, 31)
    days = {
        since + timedelta(days=number)
        for permissions, since, until in held
        if "members.manage" in permissions
        for number in range(((until or last) - since).days + 1)
    }
    assert decide(asker, MANAGE, SCHOOL, day).is_allowed == (day in days)


@given(held=HELD, since=DAYS, length=st.none() | st.integers(0, 12))
def test_nobody_gives_what_they_have_not_on_every_day(
    held: list[tuple[frozenset[str], date, date | None]], since: date, length: int | None
) -> None:
    standing = Standing(tuple(Held(*one) for one in held))
    until = None if length is None else since + timedelta(days=length)
    far = date(2027, 2, 1)  # beyond every last day
    days = range(((until or far) - since).days + 1)
    has = all("members.manage" in standing.permissions(since + timedelta(days=day)) for day in days)
    assert standing.covers("members.manage", since, until) == has
    assert standing.lacking(["members.manage"], since, until) == ([] if has else ["members.manage"])
