"""What a turn costs: token counts times effective-dated prices, in whole nano-dollars (1e-9 USD).

The prices are those that travel in the `genai-prices` package; nothing is ever downloaded. Settings can override them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from typing import Annotated, Literal, Self

from genai_prices.data import providers as bundled_providers
from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

MAX_TOKENS_PER_TURN = 1_000_000_000
"""Far above any model's context, and low enough that the dearest turn's nano-dollars are exact in JSON (2**53)."""

MAX_MODEL_NAME_LENGTH = 200
"""Longer names are nobody's model; they are not matched against the table."""

_MODELS_REMEMBERED = 1024
_VERSION_HASH_LENGTH = 12
_NANO_PER_MILLION_TOKENS = Decimal(1000)  # USD per million tokens -> nano-USD per token: 1e9 / 1e6
_NANO_PER_THOUSAND_REQUESTS = Decimal(1_000_000)  # USD per thousand requests -> nano-USD per request: 1e9 / 1e3
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)  # independent of the thread's decimal context

_TokenCount = Annotated[int, Field(ge=0, le=MAX_TOKENS_PER_TURN)]
_UsdPerMillionTokens = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class TokenUsage(BaseModel):
    """The tokens of one turn, in disjoint kinds: no token is counted twice."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    input_uncached: _TokenCount = Field(default=0, description="Prompt tokens that were not read from a cache.")
    input_cached: _TokenCount = Field(default=0, description="Prompt tokens that were read from a cache.")
    output: _TokenCount = Field(default=0, description="Tokens of the visible answer, without reasoning.")
    reasoning: _TokenCount = Field(default=0, description="Tokens the model spent on thinking before it answered.")

    @property
    def input(self) -> int:
        """All prompt tokens."""
        return self.input_uncached + self.input_cached

    @property
    def total(self) -> int:
        """All tokens of the turn."""
        return self.input + self.output + self.reasoning


class Cost(BaseModel):
    """What a turn cost, or that nobody knows (`unpriced`), which is not zero."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    status: Literal["priced", "unpriced"] = Field(description="Whether the model had a price for these tokens.")
    cost_nano_usd: int | None = Field(ge=0, description="1e-9 USD, rounded half up once per turn; null if unpriced.")
    price_version: str = Field(description="The price table that was asked: its release and a hash of the overrides.")
    provider: str | None = Field(description="Whose price it is; `override` for the settings' own; null if unpriced.")
    model: str | None = Field(description="The price table's name of the model; null if unpriced.")

    @model_validator(mode="after")
    def _has_a_cost_exactly_if_priced(self) -> Self:
        if (self.status == "priced") != (self.cost_nano_usd is not None):
            raise ValueError("a priced cost has an amount and an unpriced one has none")
        return self

    @property
    def cost_usd(self) -> float | None:
        """USD, for display. Add up `cost_nano_usd`, not this."""
        return None if self.cost_nano_usd is None else self.cost_nano_usd / 1e9


class PriceOverride(BaseModel):
    """A model's price as settings give it, in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _UsdPerMillionTokens = Field(description="Prompt tokens that were not read from a cache.")
    cached_input: _UsdPerMillionTokens | None = Field(default=None, description="Cached prompt tokens; else as input.")
    output: _UsdPerMillionTokens = Field(description="Answer tokens.")
    reasoning: _UsdPerMillionTokens | None = Field(default=None, description="Reasoning tokens; else as output.")
    effective_from: AwareDatetime | None = Field(default=None, description="Holds from then on; null: since ever.")


PriceOverrides = Mapping[str, PriceOverride | Sequence[PriceOverride]]
"""Exact model name, in any case, to its price or to its prices over time."""

_OVERRIDES: TypeAdapter[PriceOverrides] = TypeAdapter(PriceOverrides)


@dataclass(frozen=True, slots=True)
class _Rate:
    """Nano-USD per token. Crossing a tier's start (in prompt tokens) reprices every token of the turn."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()  # (start, price), ascending

    def at(self, input_tokens: int) -> Decimal:
        for start, price in reversed(self.tiers):
            if input_tokens > start:
                return price
        return self.base


@dataclass(frozen=True, slots=True)
class _Rates:
    """What holds for one model in one price period. None: that kind of token has no price."""

    input_uncached: _Rate | None
    input_cached: _Rate | None
    output: _Rate | None
    reasoning: _Rate | None
    request: Decimal = Decimal(0)  # nano-USD for each request, whatever its tokens

    def nano_usd(self, usage: TokenUsage) -> int | None:
        """The turn's price, or None if it used a kind of token that has none, or if no kind has one."""
        if self.input_uncached is None and self.output is None:
            return None
        amount = self.request
        for tokens, rate in (
            (usage.input_uncached, self.input_uncached),
            (usage.input_cached, self.input_cached),
            (usage.output, self.output),
            (usage.reasoning, self.reasoning),
        ):
            if not tokens:
                continue
            if rate is None:
                return None
            amount = _EXACT.fma(rate.at(usage.input), tokens, amount)
        return int(amount.to_integral_value(context=_EXACT))


_FREE_RATE = _Rate(Decimal(0))
_FREE = _Rates(_FREE_RATE, _FREE_RATE, _FREE_RATE, _FREE_RATE)
_FREE_SUFFIX = ":free"  # of the names of models that a provider gives away


@dataclass(frozen=True, slots=True)
class _Period:
    """Rates and when they hold."""

    holds: Callable[[datetime], bool]
    rates: _Rates


@dataclass(frozen=True, slots=True)
class _PricedModel:
    """A model with its prices over time, in the order in which they are tried."""

    provider: str
    name: str
    periods: tuple[_Period, ...]

    def rates_at(self, at: datetime) -> _Rates | None:
        return next((period.rates for period in self.periods if period.holds(at)), None)


class PriceTable:
    """Prices by model name and time. Immutable and safe to share between threads; build it once per process."""

    def __init__(self, overrides: PriceOverrides | Mapping[str, object] | None = None) -> None:
        """`overrides`: prices, or plain data of that shape as it comes from settings.

        Raises:
            pydantic.ValidationError: `overrides` are not prices.
            ValueError: a model is named twice, or has two prices from the same time on.
        """
        checked = _OVERRIDES.validate_python(overrides or {})
        self._overrides = _overridden_models(checked)
        self.version = _version(checked)

    def price(self, model: str, usage: TokenUsage, at: datetime) -> Cost:
        """The cost of `usage` by `model` at the prices of the moment `at`.

        `model` is the name of a model or of a dated deployment (`gpt-4o-2024-08-06`), optionally behind its
        provider's (`azure/gpt-4o`). The overrides are asked first, then the package's table. `unpriced` is what
        neither knows, and also a turn that used a kind of token for which the model has no price.

        Raises:
            ValueError: `at` is naive.
        """
        if at.tzinfo is None:
            raise ValueError("a price needs an aware time")
        for priced in self._candidates(model):
            rates = priced.rates_at(at)
            amount = None if rates is None else rates.nano_usd(usage)
            if amount is not None:
                return Cost(
                    status="priced",
                    cost_nano_usd=amount,
                    price_version=self.version,
                    provider=priced.provider,
                    model=priced.name,
                )
        return Cost(status="unpriced", cost_nano_usd=None, price_version=self.version, provider=None, model=None)

    def _candidates(self, model: str) -> Iterator[_PricedModel]:
        if len(model) > MAX_MODEL_NAME_LENGTH:
            return
        name = model.lower()
        if name in self._overrides:
            yield self._overrides[name]
        bundled = _bundled_model(name)
        if bundled is not None:
            yield bundled


@lru_cache(_MODELS_REMEMBERED)  # bounded: the names come from clients, and the package's own cache is not
def _bundled_model(name: str) -> _PricedModel | None:
    """The package's model that goes by the lower-case `name`, found by its matching rules; None if there is none."""
    for provider in bundled_providers:
        if provider.model_match is not None and provider.model_match.is_match(name):
            model = provider.find_model(name, all_providers=bundled_providers)
            if model is not None:
                return _priced_model(provider, model)
    prefix, _, rest = name.partition("/")
    provider_named = find_provider_by_id(bundled_providers, prefix) if rest else None
    if provider_named is None:
        return None
    model = provider_named.find_model(rest, all_providers=bundled_providers)
    return None if model is None else _priced_model(provider_named, model)


def _priced_model(provider: Provider, model: ModelInfo) -> _PricedModel | None:
    """Later conditional prices win over earlier ones; where none holds, the package takes the first."""
    if model.id.endswith(_FREE_SUFFIX):
        return _PricedModel(provider.id, model.id, (_Period(_always, _FREE),))
    if isinstance(model.prices, ModelPrice):
        return _PricedModel(provider.id, model.id, (_Period(_always, _rates(model.prices)),))
    periods = [_Period(p.constraint.active if p.constraint else _always, _rates(p.prices)) for p in model.prices]
    periods.reverse()
    if periods:
        periods.append(_Period(_always, periods[-1].rates))
    return _PricedModel(provider.id, model.id, tuple(periods))


def _rates(prices: ModelPrice) -> _Rates:
    """What the package's prices for text mean for disjoint counts.

    In the package an input price is that of all prompt tokens but those with a price of their own, and likewise
    for output and reasoning: hence the fallbacks. A model that is listed without a price has none here either: some
    of those are free, but others are sold by the song, or no longer sold.
    """
    listed = {key: value for key, value in vars(prices).items() if value is not None}
    per_request = listed.get("requests_kcount", Decimal(0))
    tokens_in, tokens_out = _rate(listed.get("input_mtok")), _rate(listed.get("output_mtok"))
    return _Rates(
        input_uncached=tokens_in,
        input_cached=_rate(listed.get("cache_read_mtok")) or tokens_in,
        output=tokens_out,
        reasoning=_rate(listed.get("output_reasoning_mtok")) or tokens_out,
        request=per_request * _NANO_PER_THOUSAND_REQUESTS,
    )


def _rate(price: Decimal | TieredPrices | None) -> _Rate | None:
    if price is None:
        return None
    if isinstance(price, TieredPrices):
        tiers = tuple((tier.start, tier.price * _NANO_PER_MILLION_TOKENS) for tier in price.tiers)
        return _Rate(price.base * _NANO_PER_MILLION_TOKENS, tiers)
    return _Rate(price * _NANO_PER_MILLION_TOKENS)


def _always(_at: datetime) -> bool:
    return True


def _overridden_models(overrides: PriceOverrides) -> dict[str, _PricedModel]:
    models: dict[str, _PricedModel] = {}
    for model, given in overrides.items():
        name = model.lower()
        prices = [given] if isinstance(given, PriceOverride) else list(given)
        if name in models or len({price.effective_from for price in prices}) < len(prices):
            raise ValueError(f"the price override of {model!r} is ambiguous: two prices hold at the same time")
        prices.sort(key=_effective_from, reverse=True)
        models[name] = _PricedModel("override", name, tuple(_overridden_period(price) for price in prices))
    return models


def _overridden_period(price: PriceOverride) -> _Period:
    start = _effective_from(price)
    tokens_in, tokens_out = _rate(price.input), _rate(price.output)
    rates = _Rates(
        input_uncached=tokens_in,
        input_cached=_rate(price.cached_input) or tokens_in,
        output=tokens_out,
        reasoning=_rate(price.reasoning) or tokens_out,
    )
    return _Period(lambda at: at >= start, rates)


def _effective_from(price: PriceOverride) -> datetime:
    return price.effective_from or datetime.min.replace(tzinfo=UTC)


def _version(overrides: PriceOverrides) -> str:
    release = f"genai-prices/{version('genai-prices')}"
    if not overrides:
        return release
    canonical = _OVERRIDES.dump_json({model.lower(): overrides[model] for model in sorted(overrides, key=str.lower)})
    return f"{release}+{sha256(canonical).hexdigest()[:_VERSION_HASH_LENGTH]}"
