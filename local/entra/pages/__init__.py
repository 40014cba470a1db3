"""The issuer's pages: plain HTML that needs no network; every value that is put in is escaped here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from local.entra.identity import ADMIN_ROLE, INGEST_ROLE, MODERATOR_ROLE, SERVICE_ROLE, Person
from local.entra.tokens import Claims

OFFERED_ROLES = (ADMIN_ROLE, MODERATOR_ROLE, SERVICE_ROLE, INGEST_ROLE)

_FOLDER = Path(__file__).parent
_TEMPLATES = {path.stem: Template(path.read_text("utf-8")) for path in _FOLDER.glob("*.html")}


def sign_in_page(
    explanation: str,
    *,
    email: str = "",
    name: str = "",
    roles: Sequence[str] = (),
    problem: str = "",
) -> str:
    """The form to sign in as anybody. It is posted to the address it came from, query included."""
    content = _TEMPLATES["sign_in"].substitute(
        heading="Sign in",
        explanation=escape(explanation),
        problem=f'<p class="problem">{escape(problem)}</p>' if problem else "",
        email=escape(email),
        name=escape(name),
        roles="\n".join(_checkbox(role, role in roles) for role in OFFERED_ROLES),
    )
    return _page("Sign in", content)


def token_page(person: Person, token: str, claims: Claims, again: str) -> str:
    """Shows a token, to be copied, and what is in it."""
    content = _TEMPLATES["token"].substitute(
        name=escape(person.name),
        minutes=(claims["exp"] - claims["iat"]) // 60,
        again=escape(again),
        token=escape(token),
        shell_email=escape(shlex.quote(person.email)),
        shell_roles=escape("".join(f" --role {shlex.quote(role)}" for role in person.roles)),
        claims=escape(json.dumps(claims, indent=2, ensure_ascii=False)),
    )
    return _page(f"Signed in as {person.name}", content)


def form_post_page(action: str, fields: Mapping[str, str]) -> str:
    """Posts the fields to the client by itself (OAuth 2.0 Form Post Response Mode)."""
    return _page("Signed in", _TEMPLATES["form_post"].substitute(action=escape(action), hidden=_hidden(fields)))


def message_page(heading: str, message: str) -> str:
    return _page(heading, _TEMPLATES["message"].substitute(heading=escape(heading), message=escape(message)))


def _page(title: str, content: str) -> str:
    return _TEMPLATES["frame"].substitute(title=escape(title), content=content)


def _hidden(fields: Mapping[str, str]) -> str:
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _checkbox(role: str, checked: bool) -> str:
    mark = " checked" if checked else ""
    return f'<label><input type="checkbox" name="role" value="{escape(role)}"{mark}> {escape(role)}</label>'
