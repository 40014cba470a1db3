"""What a turn costs: token counts times effective-dated prices, in whole nano-dollars (1e-9 USD).

The prices are those that travel in the `genai-prices` package; nothing is ever downloaded. Settings can override them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from models.usage.catalogue import Listing, Offer, listing
from models.usage.model_names import MAX_MODEL_NAME_LENGTH
from models.usage.rates import FREE, PriceOverride, Rates, listed_rates
from models.usage.token_usage import TokenUsage

ServiceTier = Literal["flex", "priority", "fast", "batch"]

REPORTED = "reported"
"""The `price_version` and the provider of a cost that the provider itself reported."""

_CONTEXTS: Mapping[str | None, Mapping[str, str]] = {
    None: {},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
    "batch": {"processing": "batch"},
}
"""How the package calls the tiers. OpenAI and Anthropic mean different things by `fast`, and name them differently."""

_VERSION_HASH_LENGTH = 12


class Cost(BaseModel):
    """What a turn cost, or that nobody knows (`unpriced`), which is not zero."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    status: Literal["priced", "unpriced"] = Field(description="Whether the model had a price for these tokens.")
    cost_nano_usd: int | None = Field(ge=0, description="1e-9 USD, rounded half up once per turn; null if unpriced.")
    price_version: str = Field(description="The price table that was asked: its release and a hash of the settings.")
    provider: str | None = Field(description="Whose price it is; `override` for the settings' own; null if unpriced.")
    model: str | None = Field(description="The price table's name of the model; null if it is in no list.")

    @model_validator(mode="after")
    def _has_a_cost_exactly_if_priced(self) -> Self:
        if (self.status == "priced") != (self.cost_nano_usd is not None):
            raise ValueError("a priced cost has an amount and an unpriced one has none")
        return self

    @property
    def cost_usd(self) -> float | None:
        """USD, for display. Add up `cost_nano_usd`, not this."""
        return None if self.cost_nano_usd is None else self.cost_nano_usd / 1e9


@dataclass(frozen=True)
class Asked:
    """What was asked of whom: all that a price goes by besides tokens and time.

    Attributes:
        model: The model's name as it was sent.
        provider: Who served it, where that is known besides the name.
        service_tier: None for the standard one.
        reported_nano_usd: What the provider itself says that it cost.
    """

    model: str
    provider: str | None = None
    service_tier: str | None = None
    reported_nano_usd: int | None = None


PriceOverrides = Mapping[str, PriceOverride | Sequence[PriceOverride]]
"""Exact model name, in any case, to its price or to its prices over time."""

_OVERRIDES: TypeAdapter[PriceOverrides] = TypeAdapter(PriceOverrides)


class PriceTable:
    """Prices by model name and time. Immutable and safe to share between threads; build it once per process."""

    def __init__(
        self,
        overrides: PriceOverrides | Mapping[str, object] | None = None,
        aliases: Mapping[str, str] | None = None,
        prefer_reported: bool = False,
    ) -> None:
        """`overrides`: prices, or plain data of that shape as it comes from settings.

        Args:
            aliases: Names of deployments, in any case, each with the name of the model that it is.
            prefer_reported: Whether what a provider says that a turn cost goes before the table.

        Raises:
            pydantic.ValidationError: `overrides` are not prices.
            ValueError: a model is named twice, or has two prices from the same time on.
        """
        checked = _OVERRIDES.validate_python(overrides or {})
        self._overrides = {name: tuple(prices) for name, prices in _by_name(checked).items()}
        self._aliases = {alias.strip().lower(): model for alias, model in (aliases or {}).items()}
        self._prefer_reported = prefer_reported
        self.version = _version(checked, self._aliases)

    def canonical(self, model: str, provider: str | None = None) -> str:
        """The one name of a model, however it is spelled; see `models.usage.catalogue`."""
        return self._listing(model, provider).canonical

    def price(
        self, model: str, usage: TokenUsage, at: datetime, provider: str | None = None, service_tier: str | None = None
    ) -> Cost:
        """The cost of `usage` by `model` at the prices of the moment `at`.

        `model` is a name as any provider, cloud or gateway spells it. The overrides are asked first, then the package's
        table. `unpriced` is what neither knows, and also a turn that used a kind of token for which the model has no
        price. A service tier for which the model has no price of its own costs as the standard one.

        Raises:
            ValueError: `at` is naive.
        """
        if at.tzinfo is None:
            raise ValueError("a price needs an aware time")
        for priced_by, listed, rates in self._rates(model, provider, at, service_tier):
            amount = rates.nano_usd(usage)
            if amount is not None:
                return Cost(
                    status="priced",
                    cost_nano_usd=amount,
                    price_version=self.version,
                    provider=priced_by,
                    model=listed,
                )
        return Cost(status="unpriced", cost_nano_usd=None, price_version=self.version, provider=None, model=None)

    def cost(self, asked: Asked, usage: TokenUsage, at: datetime) -> Cost:
        """The cost of a turn: by the table, unless what the provider reports is preferred and there."""
        if self._prefer_reported and asked.reported_nano_usd is not None:
            return Cost(
                status="priced",
                cost_nano_usd=asked.reported_nano_usd,
                price_version=REPORTED,
                provider=REPORTED,
                model=self._known(asked.model, asked.provider),
            )
        return self.price(asked.model, usage, at, asked.provider, asked.service_tier)

    def most(self, asked: Asked, input_tokens: int, output_tokens: int, at: datetime) -> Cost:
        """The most that a turn may cost: its prompt may all be written to a cache, which some models sell for more."""
        output = {"output": output_tokens}
        worst = [
            self.price(asked.model, TokenUsage(**output | {kind: input_tokens}), at, asked.provider, asked.service_tier)
            for kind in ("input_uncached", "cache_write_5m", "cache_write_1h")
        ]
        return max(worst, key=lambda cost: -1 if cost.cost_nano_usd is None else cost.cost_nano_usd)

    def _rates(
        self, model: str, provider: str | None, at: datetime, service_tier: str | None
    ) -> Iterator[tuple[str, str | None, Rates]]:
        """Whose prices to try, with their name of the model, in this order."""
        for name in self._names(model, provider):
            held = next((one for one in self._overrides.get(name, ()) if at >= _effective_from(one)), None)
            if held is not None:
                yield "override", name, held.rates
        known = self._listing(model, provider)
        if known.free:
            yield "free", self._known(model, provider), FREE
        for offer in known.offers:
            yield offer.provider, offer.model.id, _rates_of(offer, at, service_tier)

    def _known(self, model: str, provider: str | None) -> str | None:
        """The name of a model that is in some list of prices."""
        known = self._listing(model, provider)
        return known.canonical if known.offers else None

    def _names(self, model: str, provider: str | None) -> Iterator[str]:
        sent = model.strip().lower()
        yield sent
        canonical = self.canonical(model, provider)
        if canonical != sent:
            yield canonical

    def _listing(self, model: str, provider: str | None) -> Listing:
        if len(model) > MAX_MODEL_NAME_LENGTH:
            return Listing(model[:64], (), free=False)
        sent = model.strip().lower()
        base = self._aliases.get(sent) or self._aliases.get(listing(sent, provider).canonical)
        return listing(base) if base is not None else listing(sent, provider)


def _rates_of(offer: Offer, at: datetime, service_tier: str | None) -> Rates:
    """What an offer costs at a time. The package applies a tier only to a provider's own list."""
    context = dict(_CONTEXTS.get(service_tier, {})) if offer.at_home else {}
    if "speed" in context and offer.provider != "anthropic":
        del context["speed"]
    return listed_rates(offer.model.get_prices(at, context), offer.model.id)


def _by_name(overrides: PriceOverrides) -> dict[str, list[PriceOverride]]:
    """The overrides by name in lower case, each the newest first."""
    models: dict[str, list[PriceOverride]] = {}
    for model, given in overrides.items():
        name = model.strip().lower()
        prices = [given] if isinstance(given, PriceOverride) else list(given)
        if name in models or len({price.effective_from for price in prices}) < len(prices):
            raise ValueError(f"the price override of {model!r} is ambiguous: two prices hold at the same time")
        models[name] = sorted(prices, key=_effective_from, reverse=True)
    return models


def _effective_from(price: PriceOverride) -> datetime:
    return price.effective_from or datetime.min.replace(tzinfo=UTC)


def _version(overrides: PriceOverrides, aliases: Mapping[str, str]) -> str:
    release = f"genai-prices/{version('genai-prices')}"
    if not overrides and not aliases:
        return release
    canonical = _OVERRIDES.dump_json({model.lower(): overrides[model] for model in sorted(overrides, key=str.lower)})
    named = repr(sorted(aliases.items())).encode() if aliases else b""
    return f"{release}+{sha256(canonical + named).hexdigest()[:_VERSION_HASH_LENGTH]}"


def nano_usd(usd: float | None) -> int | None:
    """An amount of USD in 1e-9 USD."""
    return None if usd is None else round(Decimal(repr(usd)) * 10**9)
