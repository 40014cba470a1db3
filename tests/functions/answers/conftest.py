"""The model that answers are asked of in these tests: one that speaks OpenAI's chat completions, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from functions.answers.offers import Offers
from functions.composition import services
from local.functions.host import FunctionHost
from local.openai.server import serve_in_thread
from models.usage.pricing import PriceTable


@dataclass(frozen=True)
class TheModel:
    """What it does, and what it was asked."""

    http: httpx.AsyncClient

    async def does(self, **script: Any) -> None:
        (await self.http.post("/_local/script", json=script)).raise_for_status()

    async def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = (await self.http.get("/_local/calls")).json()["calls"]
        return calls

    async def has_said(self, words: int) -> None:
        """Waits until it has said so many words of its only answer."""
        while not any(call["said"] == words for call in await self.calls()):  # noqa: ASYNC110  # it is asked over HTTP
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    with serve_in_thread() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def model(host: FunctionHost, model_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TheModel]:
    """It is the default, and named like one that has a price."""
    shared = services()
    one = {"endpoint": f"{model_url}/v1", "context_window": 8000, "max_output_tokens": 500, "title": "Ours"}
    settings = shared.settings.model_validate(
        shared.settings.model_dump() | {"models": {"gpt-4o-mini": one, "small": one | {"context_window": 256}}}
    )
    offers = Offers(settings, shared[PriceTable])
    monkeypatch.setitem(shared.parts, Offers, offers)
    async with httpx.AsyncClient(base_url=model_url) as http:
        model = TheModel(http)
        await model.does()
        yield model
    await offers.close()
