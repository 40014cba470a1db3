"""Organizations, and people to put into them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn


@dataclass
class Somebody:
    """Somebody who is signed in."""

    api: httpx.AsyncClient
    headers: Headers
    email: str
    user_id: str = ""

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.api.request(method, path, json=body, headers=self.headers | headers)

    async def edited(self, path: str, changes: dict[str, Any], read: str | None = None) -> httpx.Response:
        etag = (await self.call("GET", read or path)).headers["etag"]
        return await self.call("PATCH", path, changes, **{"If-Match": etag})

    async def accept(self, written: dict[str, Any]) -> httpx.Response:
        return await self.call("POST", "/me/invitations/accept", {"token": written["token"]})


@dataclass
class People:
    """Makes people and organizations."""

    api: httpx.AsyncClient
    sign_in: SignIn
    drained: Drain
    _staff: list[Somebody] = field(default_factory=list)

    async def somebody(self, **token: Any) -> Somebody:
        email = f"{uuid.uuid4().hex[:12]}@contoso.example"
        one = Somebody(self.api, self.sign_in(email, **token), email)
        one.user_id = (await one.call("GET", "/me")).json()["id"]
        return one

    async def staff(self) -> Somebody:
        if not self._staff:
            self._staff.append(await self.somebody(roles=["Vimarsh.Admin"]))
        return self._staff[0]

    async def organization(self, by: Somebody | None = None, **fields: Any) -> dict[str, Any]:
        maker = by or await self.staff()
        body = {"organization_type": "school", "name": f"School {uuid.uuid4().hex[:12]}"} | fields
        answer = await maker.call("POST", "/organizations", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def member(self, organization_id: str, by: Somebody, role: str = "member", **fields: Any) -> Somebody:
        """Somebody new, who was invited by an admin, and accepted."""
        one = await self.somebody()
        body = {"email": one.email, "role": role} | fields
        written = await by.call("POST", f"/organizations/{organization_id}/invitations", body)
        assert written.status_code == 201, written.text
        accepted = await one.accept(written.json())
        assert accepted.status_code == 200, accepted.text
        return one


@pytest.fixture
def people(api: httpx.AsyncClient, sign_in: SignIn, drained: Drain) -> People:
    return People(api, sign_in, drained)
