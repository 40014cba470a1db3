"""Who calls the API in these tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.functions.host import FunctionHost
from tests.functions.calls import Drain, Headers, SignIn


@pytest.fixture(scope="session")
def sign_in(entra_url: str) -> Iterator[SignIn]:
    """Headers of somebody who is signed in: `sign_in(email, roles=[…])`, or an application: `sign_in(app=True)`."""
    with httpx.Client(base_url=entra_url) as entra:

        def token(email: str | None = None, **choice: Any) -> Headers:
            wanted = choice | ({"email": email} if email else {})
            answer = entra.post("/_local/token", json=wanted).raise_for_status().json()
            return {"Authorization": f"Bearer {answer['access_token']}"}

        yield token


@pytest.fixture
def alice(sign_in: SignIn, an_email: str) -> Headers:
    """Somebody new."""
    return sign_in(an_email, name="Alice Liddell", given_name="Alice", family_name="Liddell")


@pytest.fixture(scope="session")
def chat_server(sign_in: SignIn) -> Headers:
    """The chat product's own server."""
    return sign_in(app=True, roles=["Vimarsh.Ingest"])


@pytest.fixture(scope="session")
def drained(host: FunctionHost) -> Drain:
    """Waits until the change feeds have nothing left."""

    async def wait() -> None:
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            quiet = 0
            while quiet < 3:  # a feed that stands still ends in the test's own time limit
                feeds = (await client.get("/_local/feeds")).json()["feeds"]
                quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
                await asyncio.sleep(0.02)

    return wait
