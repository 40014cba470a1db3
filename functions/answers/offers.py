"""The models that this app can ask, by the settings."""

from __future__ import annotations

import asyncio
from datetime import datetime
from importlib import import_module

from functions.answers.model import Model
from functions.answers.sample import Sample
from functions.core import problems
from functions.core.settings import Settings
from models.answers.offer import SAMPLE, SAMPLE_MODEL, SAMPLE_OFFER, ConfiguredModel, ModelOffer, ModelPrice
from models.usage.pricing import PriceTable
from models.usage.token_usage import TokenUsage

_TOKENS = 1000
"""Of a price that is asked for a million: short prompts, where long ones cost more."""


class Offers:
    """Knows the models, and asks them. One in a process."""

    def __init__(self, settings: Settings, prices: PriceTable) -> None:
        self._configured = dict(settings.models) or {SAMPLE: SAMPLE_OFFER}
        self._is_sample = not settings.models
        self._keys = {name: key.get_secret_value() for name, key in settings.model_keys.items()}
        self._patience = settings.model_patience_seconds
        self._prices = prices
        self._models: dict[str, Model] = {}
        self._making = asyncio.Lock()
        self._preparing: asyncio.Task[Model] | None = None

    def named(self, name: str | None) -> tuple[str, ConfiguredModel]:
        """The model of this name, or the default, as it is configured.

        Raises:
            Problem: 404, it is not among those allowed.
        """
        chosen = next(iter(self._configured)) if name is None else name
        if chosen not in self._configured:
            raise problems.known("unknown-model")
        return chosen, self._configured[chosen]

    def in_turns(self, name: str) -> tuple[str, str | None]:
        """How turns name it, and its provider."""
        if self._is_sample:
            return SAMPLE_MODEL, None
        return name, "azure" if self._configured[name].azure else None

    async def model(self, name: str) -> Model:
        """What answers."""
        async with self._making:
            if name not in self._models:
                self._models[name] = await self._made(name)
            return self._models[name]

    def shown(self, now: datetime) -> list[ModelOffer]:
        default = next(iter(self._configured))
        return [
            ModelOffer(
                name=name,
                title=model.title or name,
                context_window=model.context_window,
                max_output_tokens=model.max_output_tokens,
                price_usd_per_million=self._price(name, now),
                is_default=name == default,
                is_sample=self._is_sample,
            )
            for name, model in self._configured.items()
        ]

    def prepare(self) -> None:
        """Has the default model loaded by and by, if it is not: who lists models is about to ask one."""
        if not self._models and self._preparing is None:
            self._preparing = asyncio.create_task(self.model(next(iter(self._configured))))

    async def close(self) -> None:
        if self._preparing is not None:
            await asyncio.gather(self._preparing, return_exceptions=True)
            self._preparing = None
        for model in self._models.values():
            await model.close()
        self._models.clear()

    async def _made(self, name: str) -> Model:
        if self._is_sample:
            return Sample()
        # Only here, and in a thread: the SDK takes a second to load, and other requests go on.
        module = await asyncio.to_thread(import_module, "functions.answers.openai_model")
        made: Model = module.OpenAIModel(name, self._configured[name], self._keys.get(name), self._patience)
        return made

    def _price(self, name: str, now: datetime) -> ModelPrice | None:
        model, provider = self.in_turns(name)
        costs = [
            self._prices.price(model, usage, now, provider).cost_nano_usd
            for usage in (TokenUsage(input_uncached=_TOKENS), TokenUsage(output=_TOKENS))
        ]
        if costs[0] is None or costs[1] is None:
            return None
        million = 1_000_000 / _TOKENS / 1e9
        return ModelPrice(input=costs[0] * million, output=costs[1] * million)
