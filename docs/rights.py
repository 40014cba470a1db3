"""Who may do what, as a page, made from the routes and the actions that they name.

python -m docs.rights            # writes docs/rights.md
python -m docs.rights --check    # exits 1 if the page is not what the routes say
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from docs.api_description import operations
from functions.core.deciding import own_of
from functions.core.operation import Operation
from models.core.app_roles import ADMIN_ROLE, IMPORT_ROLE, INGEST_ROLE, MODERATOR_ROLE
from models.core.rights import Action, Asker, Held, Standing, Target, decide
from models.organizations.roles import PERMISSIONS

PAGE = Path(__file__).parent / "rights.md"
COMMAND = "python -m docs.rights"

INTRODUCTION = """# Who may do what

Made from the code by `make docs`; a test fails while it differs from it. A route names an action, and never a role. One
function decides (`models/core/rights.py`): somebody, the action, what it is done to, and the day go in; whether it is
allowed comes out, and by what, or why not. Rights come from these sources:

* **whose it is**: by construction, for a user's documents are found by the `user_id` of the token.
* **staff** and **servers**: by an app role in a token of a home tenant. Staff need an account that is active, too. Some
  actions spare accounts with more rights than one's own, or one's own, too.
* **members** of an organization: by what their roles and grants give them on the day, in the organization's calendar.
* **others**: by a share that goes as far as the action asks for, or as a confirmed guardian of the child.

What a person may not know of is answered as if it were not there (404). Otherwise a refusal (403) says what is missing,
and who can give it.
"""

_DAY = date(2026, 11, 20)
_BEFORE = _DAY - timedelta(days=1)
_HERE = "an organization"

ASKERS: dict[str, Asker | None] = {
    "nobody": None,
    "user": Asker("a user"),
    "moderator": Asker("a moderator", frozenset({MODERATOR_ROLE})),
    "admin": Asker("an admin", frozenset({ADMIN_ROLE})),
    "member": Asker("a member", standings={_HERE: Standing()}),
    "permitted": Asker("a permitted", standings={_HERE: Standing((Held(PERMISSIONS, _DAY, _DAY),))}),
    "ended": Asker("an ended", standings={_HERE: Standing((Held(PERMISSIONS, _BEFORE, _BEFORE),))}),
    "ingest": Asker(None, frozenset({INGEST_ROLE})),
    "import": Asker(None, frozenset({IMPORT_ROLE})),
}
"""Who asks, in the table of routes. In the organization that it is about: a member with no role or grant, one who has
every permission on the day, and one whose last day was the one before. The last two are servers."""


def page() -> str:
    """The page, as Markdown."""
    found = operations()
    return "\n".join([INTRODUCTION, *_actions(found), "", *_routes(found), ""])


def answers(operation: Operation) -> Iterator[tuple[str, int]]:
    """What each who asks is told at the door, of what is their own, nobody's, or the organization's: 0 where they may
    go in."""
    action = operation.action
    for name, asker in ASKERS.items():
        target = Target(organization=_HERE) if action.of_organization else own_of(asker, action)
        decision = decide(asker, action, target, _DAY)
        told = decision.reason is None or decision.reason.is_told
        yield name, 0 if decision.is_allowed else 401 if asker is None else 403 if told else 404


def who_may(action: Action) -> str:
    """Everybody who may do it, in words."""
    return "; ".join(_ways(action))


def _ways(action: Action) -> Iterator[str]:
    if action.anyone:
        yield "anyone"
    if action.people:
        yield "everybody who is signed in"
    if action.owner:
        yield "whose it is"
    if action.staff:
        spared = f", sparing {action.spares}" if action.spares != "nobody" else ""
        yield f"staff: {_named(action.staff)}{spared}"
    if action.servers:
        yield f"servers: {_named(action.servers)}"
    if action.member:
        yield "members of the organization"
    if action.permission:
        yield f"members of the organization with `{action.permission}`"
    if action.guardian:
        yield "confirmed guardians"
    if action.shared:
        yield f"those with whom it is shared to {action.shared}"


def _named(roles: Iterable[str]) -> str:
    return " or ".join(f"`{role}`" for role in sorted(roles))


def _actions(found: list[Operation]) -> list[str]:
    routes: dict[Action, list[str]] = {}
    for operation in found:
        for action in (operation.action, *operation.also):
            routes.setdefault(action, []).append(f"`{operation.method} {operation.path}`")
    lines = ["## Actions", "", "| action | done to | who may | by |", "|---|---|---|---|"]
    rows = ((f"`{action.name}`", action.to, who_may(action), ", ".join(by)) for action, by in routes.items())
    return lines + [f"| {' | '.join(row)} |" for row in sorted(rows)]


def _routes(found: list[Operation]) -> list[str]:
    lines = ["## Routes", "", ROUTES_TOLD, ""]
    lines += [f"| route | action | {' | '.join(ASKERS)} |", f"|---|---|{'---|' * len(ASKERS)}"]
    for operation in sorted(found, key=lambda operation: (operation.path, operation.method)):
        cells = " | ".join(str(status) if status else "yes" for _, status in answers(operation))
        lines.append(f"| `{operation.method} {operation.path}` | `{operation.action.name}` | {cells} |")
    return lines


ROUTES_TOLD = """What each who asks is told about what is their own, nobody's, or an organization's: yes, or the status
of the answer. A `member` has no role that gives anything; who is `permitted` has every permission on the day; what
somebody had has `ended` the day before; everybody else, members of other organizations among them, is a `user`.
`ingest` and `import` are servers with these roles."""


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write docs/rights.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is what the routes say")
    made = page()
    if not parser.parse_args().check:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == made:
        return 0
    print(f"docs/rights.md is not what the routes say. Make it anew with: {COMMAND}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
