"""Who may do what: one decision, of who asks, the action, what it is done to, and the day.

An action is declared once, with everybody who may do it; a route names the action, and never a role. Rights come from
four sources: the token (staff and servers of the platform), ownership, what an organization gives its members (roles
and grants, each for its days), and what somebody else lets one do (a share, guardianship). The decision reads nothing:
what documents say about the asker comes in with the asker and the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Literal
from zoneinfo import ZoneInfo

from models.core.app_roles import rank_of

Level = Literal["read", "comment", "edit"]
"""How far a share goes; each includes those before it."""

_LEVELS: tuple[Level, ...] = ("read", "comment", "edit")


class Source(Enum):
    """Where the right comes from by which an action is allowed."""

    ANYONE = "anyone"
    PERSON = "a person who is signed in"
    OWNERSHIP = "ownership"
    TOKEN = "the token"  # noqa: S105
    ORGANIZATION = "an organization"
    SHARE = "a share"
    GUARDIANSHIP = "guardianship"


class Reason(Enum):
    """Why an action is refused."""

    NEEDS_ROLE = "The token lacks the app role."
    FOR_PEOPLE = "It is for people."
    FOR_APPLICATIONS = "It is for applications."
    OWN_ACCOUNT = "Nobody does this to their own account."
    OUTRANKED = "The account has more rights than the asker."
    NOT_THEIRS = "It is somebody else's."
    NOT_A_MEMBER = "The asker is not a member of the organization."
    NEEDS_PERMISSION = "The membership gives no such permission."
    NOT_YET = "The permission begins on a later day."
    ENDED = "The permission ended on an earlier day."
    SWITCHED_OFF = "The organization is switched off, and takes no changes."

    @property
    def is_told(self) -> bool:
        """Whether the asker may learn that there is such a thing. To others it is as if there were none."""
        return self not in {Reason.NOT_THEIRS, Reason.NOT_A_MEMBER}


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be done, and who may do it: everybody to whom one of these applies.

    Attributes:
        name: What it is done to, and what is done: `accounts.moderate`.
        to: What it is done to, in words.
        anyone: Without a token, too.
        people: Everybody who is signed in.
        owner: Whose it is.
        staff: People whose token has one of these app roles.
        servers: Applications whose token has one of these.
        member: Members of the organization that it belongs to, whatever they may there.
        permission: Those of them who have this permission on the day.
        shared: Those with whom it is shared this far.
        guardian: The confirmed guardians of the child whose it is.
        spares: Whose accounts the staff can't do it to: people with more rights than theirs; or themselves, too.
        changes: Whether it changes something: what is switched off takes no changes.
    """

    name: str
    to: str
    anyone: bool = False
    people: bool = False
    owner: bool = False
    staff: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    member: bool = False
    permission: str | None = None
    shared: Level | None = None
    guardian: bool = False
    spares: Literal["nobody", "superiors", "oneself and superiors"] = "nobody"
    changes: bool = False

    @property
    def is_for_people(self) -> bool:
        return bool(self.people or self.owner or self.staff or self.of_organization or self.shared or self.guardian)

    @property
    def is_for_servers(self) -> bool:
        """Whether none but applications may do it."""
        return bool(self.servers) and not self.is_for_people

    @property
    def is_for_staff(self) -> bool:
        """Whether no person may do it but staff."""
        return bool(self.staff) and not (self.people or self.owner or self.of_organization or self.shared)

    @property
    def of_organization(self) -> bool:
        """Whether an organization's members may do it by being members, or by what they may there."""
        return self.member or self.permission is not None

    @property
    def app_roles(self) -> frozenset[str]:
        """The app roles one of which everybody needs who does it; none, if some need none."""
        if self.is_for_servers:
            return self.servers
        return self.staff if self.is_for_staff else frozenset()


@dataclass(frozen=True)
class Held:
    """Permissions that somebody has in an organization, by a role or a grant, on some days.

    Attributes:
        by: The role that gives them; None for a grant.
        until: The last day; None if it has no end.
    """

    permissions: frozenset[str]
    since: date
    until: date | None = None
    by: str | None = None

    def on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Standing:
    """What an active membership of an organization gives."""

    held: tuple[Held, ...] = ()

    def plus(self, further: Iterable[Held]) -> Standing:
        return Standing((*self.held, *further))

    def permissions(self, day: date) -> frozenset[str]:
        return frozenset().union(*(held.permissions for held in self.held if held.on(day)))

    def covers(self, permission: str, since: date, until: date | None) -> bool:
        """Whether it gives a permission on each of these days, or for ever."""
        given = sorted((held.since, held.until) for held in self._giving(permission) if held.until is not None)
        endless = min((held.since for held in self._giving(permission) if held.until is None), default=None)
        for begins, ends in given:
            if begins <= since <= ends:
                since = ends + timedelta(days=1)
        if endless is not None and endless <= since:
            return True
        return until is not None and since > until

    def lacking(self, permissions: Iterable[str], since: date, until: date | None) -> list[str]:
        """Those of these permissions that it does not give on each of these days: nobody gives more than they have."""
        return sorted(permission for permission in permissions if not self.covers(permission, since, until))

    def _giving(self, permission: str) -> list[Held]:
        return [held for held in self.held if permission in held.permissions]


@dataclass(frozen=True)
class Asker:
    """Who asks: a person, or an application.

    Attributes:
        user_id: None for an application.
        roles: Those of the token that count here.
        standings: In the organizations that they are an active member of, as far as these matter to what is asked.
    """

    user_id: str | None
    roles: frozenset[str] = frozenset()
    standings: Mapping[str, Standing] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """What an action is done to, as far as it matters to who may.

    Attributes:
        owner: The `user_id` of whose it is.
        rank: Of that account, by the newest token it showed. See `rank_of`.
        organization: The `organization_id` of the organization that it belongs to.
        switched_off: Whether that organization is.
        shares: How far it is shared, by `user_id`.
        guardians: The `user_id`s of the owner's confirmed guardians.
    """

    owner: str | None = None
    rank: int = 0
    organization: str | None = None
    switched_off: bool = False
    shares: Mapping[str, Level] = field(default_factory=dict)
    guardians: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """An organization as somebody stands in it.

    Attributes:
        standing: None if they are not an active member.
        zone: Of its calendar.
    """

    target: Target
    standing: Standing | None
    zone: str

    def day(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.zone)).date()

    def permissions(self, now: datetime) -> frozenset[str]:
        """What they may there today."""
        return self.standing.permissions(self.day(now)) if self.standing else frozenset()


PLATFORM = Target()
"""What is nobody's."""


@dataclass(frozen=True)
class Decision:
    """Whether an action is allowed: by what, or why not. `detail` says it to the asker; it names nobody."""

    source: Source | None
    reason: Reason | None = None
    detail: str = ""

    @property
    def is_allowed(self) -> bool:
        return self.source is not None


def decide(asker: Asker | None, action: Action, target: Target, day: date) -> Decision:
    """Whether somebody may do something to something.

    Args:
        asker: None without a token.
        day: As the organization's calendar has it, where the target belongs to one.
    """
    if action.anyone:
        return Decision(Source.ANYONE)
    if asker is None:
        return _refused(Reason.NEEDS_ROLE, "This needs a token.")
    if asker.user_id is None:
        return _of_application(asker, action)
    for source in (_by_itself, _by_token, _by_organization, _by_others):
        found = source(asker, asker.user_id, action, target, day)
        if found is not None and found.is_allowed:
            return found
    return _why_not(asker, asker.user_id, action, target, day)


def _of_application(asker: Asker, action: Action) -> Decision:
    """Applications have their app roles, and nothing else."""
    needed = action.servers or action.app_roles
    if needed and not needed & asker.roles:
        return _needs(needed)
    return Decision(Source.TOKEN) if action.servers else _refused(Reason.FOR_PEOPLE, _FOR_PEOPLE)


def _by_token(asker: Asker, user_id: str, action: Action, target: Target, day: date) -> Decision | None:
    if not action.staff & asker.roles:
        return None
    if action.spares == "oneself and superiors" and target.owner == user_id:
        return _refused(Reason.OWN_ACCOUNT, "Nobody does this to their own account. Ask somebody else of the staff.")
    if action.spares != "nobody" and target.rank > rank_of(asker.roles):
        return _refused(Reason.OUTRANKED, "This account has more rights than yours. Ask an admin.")
    return Decision(Source.TOKEN)


def _by_itself(asker: Asker, user_id: str, action: Action, target: Target, day: date) -> Decision | None:
    if action.people:
        return Decision(Source.PERSON)
    return Decision(Source.OWNERSHIP) if action.owner and target.owner == user_id else None


def _by_organization(asker: Asker, user_id: str, action: Action, target: Target, day: date) -> Decision | None:
    if not action.of_organization or target.organization is None:
        return None
    standing = asker.standings.get(target.organization)
    if standing is None:
        return _refused(Reason.NOT_A_MEMBER, "You are not a member of this organization.")
    if action.changes and target.switched_off:
        return _refused(Reason.SWITCHED_OFF, "This organization is switched off: nothing in it can be changed.")
    if action.member or action.permission in standing.permissions(day):
        return Decision(Source.ORGANIZATION)
    return _lacking(standing, action.permission or "", day)


def _lacking(standing: Standing, permission: str, day: date) -> Decision:
    """Why somebody lacks a permission: the latest days on which they have had it, or will."""
    told = f"This needs the permission {permission} in this organization; whoever has roles.manage there can give it."
    given = [held for held in standing.held if permission in held.permissions]
    if any(held.since > day for held in given):
        begins = min(held.since for held in given if held.since > day)
        return _refused(Reason.NOT_YET, f"{told} Yours begins on {begins}.")
    if given:
        return _refused(Reason.ENDED, f"{told} Yours ended on {max(held.until or day for held in given)}.")
    return _refused(Reason.NEEDS_PERMISSION, told)


def _by_others(asker: Asker, user_id: str, action: Action, target: Target, day: date) -> Decision | None:
    if action.guardian and user_id in target.guardians:
        return Decision(Source.GUARDIANSHIP)
    shared = target.shares.get(user_id)
    if action.shared and shared and _LEVELS.index(shared) >= _LEVELS.index(action.shared):
        return Decision(Source.SHARE)
    return None


def _why_not(asker: Asker, user_id: str, action: Action, target: Target, day: date) -> Decision:
    """The reason that says most: what a source says itself, before that there is none."""
    if action.is_for_servers:
        return (
            _refused(Reason.FOR_APPLICATIONS, _FOR_APPLICATIONS)
            if action.servers & asker.roles
            else _needs(action.servers)
        )
    for source in (_by_token, _by_organization):
        found = source(asker, user_id, action, target, day)
        if found is not None:
            return found
    if action.is_for_staff:
        return _needs(action.staff)
    return _refused(Reason.NOT_THEIRS, "There is no such thing, or it is somebody else's.")


_FOR_PEOPLE = "This is for people who are signed in, not for applications."
_FOR_APPLICATIONS = "This is for applications, not for people who are signed in."


def _needs(roles: frozenset[str]) -> Decision:
    wanted = " or ".join(sorted(roles))
    return _refused(Reason.NEEDS_ROLE, f"This needs the role {wanted}, in a token of a home tenant.")


def _refused(reason: Reason, detail: str) -> Decision:
    return Decision(None, reason, detail)
