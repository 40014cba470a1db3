from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest
from starlette.applications import Starlette

from local.entra.keys import SigningKey, signing_key
from local.entra.server import create_app

BASE_URL = "http://127.0.0.1:8400"
START = 1_790_000_000.0


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> float:
        return self.seconds


class Fields(HTMLParser):
    """The form of a page: where it goes, and its input fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.values: dict[str | None, str | None] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes.get("action")
        if tag == "input":
            self.values[attributes.get("name")] = attributes.get("value")


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return signing_key(None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(key: SigningKey, clock: Clock) -> Starlette:
    return create_app(BASE_URL, key, redirect_uris=("https://chat.example/signed-in",), now=clock)


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as client:
        yield client
