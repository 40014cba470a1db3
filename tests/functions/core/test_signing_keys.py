"""The issuer's keys: fetched when they are needed, and not as often as somebody would like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from functions.core import tokens
from functions.core.problems import Problem
from functions.core.tokens import KEYS_SECONDS, UNKNOWN_KEY_SECONDS, SigningKeys
from local.entra.keys import signing_key

KNOWN = signing_key(None).jwk


@dataclass
class Issuer:
    """An issuer that counts how often it is asked, and may be out of order."""

    asked: int = 0
    is_down: bool = False
    keys: list[dict[str, str]] = field(default_factory=lambda: [KNOWN])
    url: str = ""

    async def metadata(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.is_down:
            raise web.HTTPServiceUnavailable
        return web.json_response({"jwks_uri": f"{self.url}/keys"})

    async def published(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys})


@dataclass
class Clock:
    """Seconds, as `time.monotonic` gives them."""

    now: float = 1_000_000.0

    def monotonic(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    app = web.Application()
    app.add_routes([web.get("/metadata", issuer.metadata), web.get("/keys", issuer.published)])
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("")).rstrip("/")
        yield issuer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tokens, "time", clock)
    return clock


async def test_unknown_keys_are_looked_up_once_in_a_while(issuer: Issuer, clock: Clock) -> None:
    keys = SigningKeys(f"{issuer.url}/metadata")
    assert (await keys.key(KNOWN["kid"])).key_id == KNOWN["kid"]
    for number in range(50):
        with pytest.raises(Problem, match="unknown key") as refused:
            await keys.key(f"junk-{number}")
        assert refused.value.status == 401
    assert issuer.asked == 1
    clock.now += UNKNOWN_KEY_SECONDS + 1
    for number in range(50):
        with pytest.raises(Problem):
            await keys.key(f"junk-{number}")
    assert issuer.asked == 2


async def test_a_new_key_is_found_and_an_old_one_forgotten(issuer: Issuer, clock: Clock) -> None:
    keys = SigningKeys(f"{issuer.url}/metadata")
    await keys.key(KNOWN["kid"])
    issuer.keys = [KNOWN | {"kid": "rotated"}]
    clock.now += UNKNOWN_KEY_SECONDS + 1
    assert (await keys.key("rotated")).key_id == "rotated"
    with pytest.raises(Problem, match="unknown key"):
        await keys.key(KNOWN["kid"])


async def test_known_keys_stay_good_while_the_issuer_is_out_of_order(issuer: Issuer, clock: Clock) -> None:
    keys = SigningKeys(f"{issuer.url}/metadata")
    await keys.key(KNOWN["kid"])
    issuer.is_down = True
    clock.now += KEYS_SECONDS + 1
    for _ in range(10):
        await keys.key(KNOWN["kid"])
    assert issuer.asked == 2


async def test_without_any_key_the_caller_is_told_to_try_again(issuer: Issuer, clock: Clock) -> None:
    issuer.is_down = True
    keys = SigningKeys(f"{issuer.url}/metadata")
    with pytest.raises(Problem) as refused:
        await keys.key(KNOWN["kid"])
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    issuer.is_down = False
    assert await keys.ready()
