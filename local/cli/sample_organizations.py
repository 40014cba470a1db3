"""The organizations and families of the sample data, made through the API by the people who belong to them.

All of it may be sent again: where loading was interrupted, it goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from local.cli.terminal import CommandError
from local.cli.token import fetch_token
from local.entra.identity import ADMIN_ROLE

ROOT = {"user": "root", "email": "root@contoso.example", "name": "Root Contoso"}
DONE_BEFORE = (404, 409)
"""What is answered to what was accepted, or confirmed, when it is sent again."""

SEEN = "Shown at the school's office."
_ANY = {"If-Match": "*"}


class Founder:
    """Makes organizations at the API of an app."""

    def __init__(self, api_url: str, entra_url: str, sample: Mapping[str, Any]) -> None:
        self._url = api_url
        self._entra_url = entra_url
        self._sample = sample
        self._people = {person["user"]: person for person in (*sample["people"], ROOT)}
        self._tokens: dict[str, str] = {}
        self._user_ids: dict[str, str] = {}
        self._organization_ids: dict[str, str] = {}

    def found(self) -> None:
        """Makes all there is. Raises CommandError at the first request that is refused."""
        for person in self._people.values():
            self._sign_in(person)
        for organization in self._sample["organizations"]:
            self._make(organization)
        for given in self._sample["profiles"]:
            self._call("PUT", f"me/{given['profile']}-profile", given["user"], given["body"])
        for family in self._sample["guardians"]:
            self._confirm(family)
        for turn in self._sample["turns"]:
            self._ask(turn)

    def _sign_in(self, person: Mapping[str, Any]) -> None:
        user = person["user"]
        self._user_ids[user] = self._call("GET", "me", user).json()["id"]
        told = {name: person[name] for name in ("timezone", "birth_year") if name in person}
        if told:
            self._call("PATCH", "me", user, told, _ANY)

    def _make(self, organization: Mapping[str, Any]) -> None:
        key, by = organization["key"], organization["by"]
        body = dict(organization["body"])
        if "parent" in organization:
            body["parent_organization_id"] = self._organization_ids[organization["parent"]]
        made = self._call("POST", "organizations", by, body, _key(key)).json()
        organization_id = self._organization_ids[key] = made["organization_id"]
        path = f"organizations/{organization_id}"
        run = {"seat_limit": organization.get("seat_limit"), "is_verified": organization.get("verified", False)}
        self._call("PATCH", f"admin/{path}", "root", run, _ANY)
        for role in organization["roles"]:
            self._call("POST", f"{path}/roles", by, role)
        for member in organization["members"]:
            self._join(path, by, key, member)

    def _join(self, path: str, by: str, organization: str, member: Mapping[str, Any]) -> None:
        user = member["user"]
        body = {name: value for name, value in member.items() if name != "user"} | {
            "email": self._people[user]["email"]
        }
        written = self._call("POST", f"{path}/invitations", by, body, _key(f"{organization}-{user}")).json()
        self._call("POST", "me/invitations/accept", user, {"token": written["token"]}, done=DONE_BEFORE)

    def _confirm(self, family: Mapping[str, Any]) -> None:
        """The parent asks, the head of the school confirms; some parents consent."""
        child_id, parent_id = self._user_ids[family["child"]], self._user_ids[family["parent"]]
        path = f"guardianships/{child_id}/{parent_id}"
        school = self._organization_ids["school"]
        self._call("POST", "me/wards", family["parent"], {"student_id": child_id, "relation": family["relation"]})
        confirmed = {"action": "confirm", "method": SEEN, "organization_id": school, "is_primary": family["consents"]}
        self._call("PATCH", path, "helen", confirmed, done=DONE_BEFORE)
        if family["consents"]:
            self._call("PATCH", path, family["parent"], {"action": "grant"})

    def _ask(self, turn: Mapping[str, Any]) -> None:
        user, organization = turn["user"], turn["organization"]
        session = {"organization_id": self._organization_ids[organization]}
        started = self._call("POST", "sessions", user, session, _key(f"{organization}-{user}")).json()
        body = {
            "user_query": turn["query"],
            "response_text": turn["response"],
            "model_used": "gpt-4o-mini",
            "input_tokens": 120,
            "output_tokens": 40,
            "response_time_ms": 700,
        }
        self._call("POST", f"sessions/{started['session_id']}/interactions", user, body, _key(f"turn-{user}"))

    def _call(
        self,
        method: str,
        path: str,
        user: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        done: tuple[int, ...] = (),
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token(user)}"} | dict(headers or {})
        try:
            answer = httpx.request(method, f"{self._url}/{path}", json=body, headers=headers, timeout=60)
        except httpx.TransportError as error:
            raise CommandError(f"{self._url} does not answer ({error})") from None
        if not answer.is_success and answer.status_code not in done:
            raise CommandError(f"the sample's {method} {path} is answered with {answer.status_code}: {answer.text}")
        return answer

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            person = self._people[user]
            body = {"email": person["email"], "name": person["name"]}
            roles = {"roles": [ADMIN_ROLE]} if user == "root" else {}
            self._tokens[user] = fetch_token(self._entra_url, body | roles)
        return self._tokens[user]


def found_sample(api_url: str, entra_url: str, file: Path) -> str:
    """Makes the organizations of a file; what was made, in words. Raises CommandError."""
    sample = json.loads(file.read_text("utf-8"))
    Founder(api_url, entra_url, sample).found()
    return f"{len(sample['organizations'])} organizations of {len(sample['people'])} people"


def _key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"sample-{name}"}
