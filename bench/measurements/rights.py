"""Rights in organizations, compared with OpenFGA's own engine: the same facts in its language, the same questions.

    python -m bench rights [questions]

Says how many of as many questions (10,000) are answered alike, over eight organizations that are made by a seed.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from models.core.rights import Action, Asker, Target, decide
from models.organizations.membership import HeldGrant, HeldRole, Membership
from models.organizations.organization import Organization
from models.organizations.roles import PERMISSIONS, SYSTEM_ROLES, Permission, permissions_of

QUESTIONS, SEED = 10_000, 20261120
FIRST = date(2026, 11, 1)
"""The first of the thirty days that everything lies in."""

FGA = str(Path(sys.executable).parent / "fga")
MOST_ROLES = 3
EVER = date(2199, 12, 31)

Tuple = dict[str, Any]


def relation(permission: str) -> str:
    return permission.replace(".", "_")


def model() -> str:
    """Members, roles that give permissions, grants, each for its days, and organizations that are switched off."""
    lines = ["model", "  schema 1.1", "type user", "type role", "  relations", "    define holder: [user with on_days]"]
    lines += ["type organization", "  relations", "    define member: [user]", "    define on: [user:*]"]
    for permission in sorted(PERMISSIONS):
        name = relation(permission)
        lines += [
            f"    define given_{name}: [user with on_days, role#holder]",
            f"    define {name}: given_{name} and member",
            f"    define change_{name}: {name} and on",
        ]
    lines += ["condition on_days(day: timestamp, since: timestamp, until: timestamp) {"]
    return "\n".join([*lines, "  day >= since && day <= until", "}"])


def days(since: date, until: date | None) -> dict[str, Any]:
    return {"name": "on_days", "context": {"since": at(since), "until": at(until or EVER)}}


def at(day: date) -> str:
    return f"{day}T00:00:00Z"


@dataclass
class World:
    """Some organizations, their roles, and who has what in them; a pure function of a seed."""

    chance: random.Random
    organizations: dict[str, Organization] = field(default_factory=dict)
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict)

    def built(self) -> World:
        for number in range(8):
            organization_id = f"{number:08}-0000-4000-8000-000000000000"
            roles = {f"own{one}": self.some(15) for one in range(3)}
            of_organization: Any = {"organization_id": organization_id, "roles": roles, "deleted_at": None}
            of_organization |= {"is_active": self.chance.random() < 0.7}
            self.organizations[organization_id] = Organization.model_construct(**of_organization)
            for person in range(12):
                if self.chance.random() < 0.7:
                    self.memberships[f"user{person}", organization_id] = self.membership(organization_id, [*roles])
        return self

    def some(self, most: int) -> list[Permission]:
        return self.chance.sample(sorted(PERMISSIONS), self.chance.randint(0, most))

    def span(self) -> tuple[date, date | None]:
        since = FIRST + timedelta(days=self.chance.randint(0, 29))
        return since, self.chance.choice([None, since + timedelta(days=self.chance.randint(0, 12))])

    def membership(self, organization_id: str, own: list[str]) -> Membership:
        roles, grants = [], []
        for _ in range(self.chance.randint(0, MOST_ROLES)):
            since, until = self.span()
            role = self.chance.choice(["admin", "teacher", *SYSTEM_ROLES, *own])
            roles.append(HeldRole(assignment_id=organization_id, role=role, effective_from=since, effective_to=until))
        for permission in self.some(3):
            since, until = self.span()
            grants.append(HeldGrant(permission=permission, effective_from=since, effective_to=until))
        status = self.chance.choice([*["active"] * 6, "left", "removed"])
        of_member: Any = {"organization_id": organization_id, "status": status, "deleted_at": None}
        return Membership.model_construct(assignments=roles, grants=grants, **of_member)

    def tuples(self) -> Iterator[Tuple]:
        """What is so, as OpenFGA keeps it."""
        for organization in self.organizations.values():
            here = f"organization:{organization.organization_id}"
            if organization.is_active:
                yield {"user": "user:*", "relation": "on", "object": here}
            for role in [*SYSTEM_ROLES, *organization.roles]:
                for permission in sorted(permissions_of(role, organization.roles)):
                    for number in range(MOST_ROLES):
                        holders = f"role:{organization.organization_id}_{role}_{number}#holder"
                        yield {"user": holders, "relation": f"given_{relation(permission)}", "object": here}
        for (person, organization_id), membership in self.memberships.items():
            user, here = f"user:{person}", f"organization:{organization_id}"
            if membership.status == "active":
                yield {"user": user, "relation": "member", "object": here}
            yield from self.held(user, here, membership)

    def held(self, user: str, here: str, membership: Membership) -> Iterator[Tuple]:
        """OpenFGA keeps one tuple of a user, a relation and an object: a role that somebody has twice is two there."""
        for number, role in enumerate(membership.assignments):
            name = f"role:{membership.organization_id}_{role.role}_{number}"
            condition = days(role.effective_from, role.effective_to)
            yield {"user": user, "relation": "holder", "object": name, "condition": condition}
        for grant in membership.grants:
            given = f"given_{relation(grant.permission)}"
            condition = days(grant.effective_from, grant.effective_to)
            yield {"user": user, "relation": given, "object": here, "condition": condition}

    def answer(self, person: str, organization_id: str, action: Action, day: date) -> bool:
        """What the app decides."""
        organization, membership = (
            self.organizations[organization_id],
            self.memberships.get((person, organization_id)),
        )
        standing = membership.standing(organization) if membership else None
        asker = Asker(person, standings={organization_id: standing} if standing else {})
        target = Target(organization=organization_id, switched_off=not organization.is_active)
        return decide(asker, action, target, day).is_allowed

    def question(self) -> tuple[str, str, Action, date, str]:
        """Who, where, what, when; and the relation that it is there."""
        person, organization_id = f"user{self.chance.randint(0, 11)}", self.chance.choice([*self.organizations])
        day = FIRST + timedelta(days=self.chance.randint(-1, 45))
        permission = self.chance.choice([None, *sorted(PERMISSIONS)])
        if permission is None:
            return person, organization_id, Action(name="organization.read", to="", member=True), day, "member"
        changes = self.chance.random() < 0.5
        action = Action(name=permission, to="", permission=permission, changes=changes)
        return person, organization_id, action, day, f"{'change_' if changes else ''}{relation(permission)}"


def compared(questions: int, seed: int, folder: Path) -> tuple[int, str]:
    """How many of the questions the app answers with yes, and what OpenFGA's program says of all the answers."""
    world = World(random.Random(seed)).built()  # so that a difference is found again
    checks, allowed = [], 0
    for _ in range(questions):
        person, organization_id, action, day, name = world.question()
        answer = world.answer(person, organization_id, action, day)
        allowed += answer
        asked = {"user": f"user:{person}", "object": f"organization:{organization_id}", "context": {"day": at(day)}}
        checks.append(asked | {"assertions": {name: answer}})
    told = {"model": model(), "tuples": list(world.tuples()), "tests": [{"name": "all", "check": checks}]}
    file = folder / "questions.fga.yaml"
    file.write_text(json.dumps(told), encoding="utf-8")
    ran = subprocess.run(  # a program of the environment, with a file of ours
        [FGA, "model", "test", "--tests", str(file)], capture_output=True, text=True, check=False
    )
    return allowed, ran.stdout + ran.stderr


def main() -> int:
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else QUESTIONS
    with tempfile.TemporaryDirectory(prefix="vimarsh-rights-") as folder:
        allowed, told = compared(questions, SEED, Path(folder))
    print(f"{allowed} of {questions} are allowed\n{told[-3000:]}")
    return 0 if f"{questions}/{questions} passing" in told else 1


if __name__ == "__main__":
    sys.exit(main())
