"""Who may call what: the table that docs/rights.md shows is what the app answers."""

from __future__ import annotations

import re
import uuid

import httpx
import pytest

from docs import rights
from docs.api_description import operations
from functions.core.deciding import allowed
from functions.core.problems import Problem
from models.core.errors import NotFound
from models.core.rights import Action, Decision, Reason
from tests.functions.calls import Headers, SignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")


def sent_by(sign_in: SignIn) -> dict[str, Headers]:
    def person(*roles: str) -> Headers:
        return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=list(roles))

    return {
        "nobody": {},
        "user": person(),
        "moderator": person("Vimarsh.Moderator"),
        "admin": person("Vimarsh.Admin"),
        "ingest": sign_in(app=True, roles=["Vimarsh.Ingest"]),
        "import": sign_in(app=True, roles=["Vimarsh.Import"]),
    }


async def test_each_route_lets_in_whom_the_table_says(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    """By a parameter that no route takes: whoever comes in is told so, and nothing is done."""
    headers, wrong = sent_by(sign_in), []
    for operation in operations():
        path = "/" + re.sub(r"\{[^}]+\}", str(uuid.uuid4()), operation.path)
        for who, refused in rights.answers(operation):
            if who not in headers:
                continue  # members: see tests/functions/organizations/test_roles.py
            answer = await api.request(operation.method, f"{path}?no_such=1", headers=headers[who], json={})
            wanted = refused or (200 if operation.action.anyone else 422)
            if answer.status_code != wanted:
                wrong.append((operation.name, who, answer.status_code, wanted))
    assert wrong == []


async def test_the_page_is_what_the_routes_say() -> None:
    assert rights.PAGE.read_text(encoding="utf-8") == rights.page(), "run make docs"


async def test_no_two_actions_have_one_name() -> None:
    actions = {action for operation in operations() for action in (operation.action, *operation.also)}
    assert len({action.name for action in actions}) == len(actions)


async def test_what_changes_something_says_so() -> None:
    """What is switched off takes no changes, so an action must say whether it is one."""
    reading = [operation for operation in operations() if operation.method == "GET"]
    assert [operation.name for operation in reading if operation.action.changes] == []
    writing = [operation for operation in operations() if operation.method != "GET"]
    not_held_up = {"edit_organization", "delete_organization", "remove_member", "revoke_invitation"}
    silent = [operation for operation in writing if not any(a.changes for a in (operation.action, *operation.also))]
    assert {operation.name for operation in silent} == not_held_up


async def test_what_one_may_not_know_of_is_not_found_and_the_rest_is_forbidden() -> None:
    action = Action(name="organization.read", to="organization", member=True)
    with pytest.raises(NotFound, match="no such organization"):
        allowed(action, Decision(None, Reason.NOT_A_MEMBER, "You are not a member."))
    with pytest.raises(Problem, match="This needs") as caught:
        allowed(action, Decision(None, Reason.NEEDS_PERMISSION, "This needs members.manage."))
    assert caught.value.status == 403
