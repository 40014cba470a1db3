"""What a kind of token costs: nano-dollars (1e-9 USD) for each, by the price table's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated

from genai_prices.types import ModelPrice, Tier, TieredPrices
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.usage.token_usage import TokenUsage

_NANO_PER_MILLION_TOKENS = Decimal(1000)  # USD per million tokens -> nano-USD per token: 1e9 / 1e6
_NANO_PER_THOUSAND_REQUESTS = Decimal(1_000_000)  # USD per thousand requests -> nano-USD per request: 1e9 / 1e3
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)  # independent of the thread's decimal context

_UsdPerMillionTokens = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]

PRICE_KEYS: Mapping[str, tuple[str, ...]] = {
    "input_uncached": ("input_mtok",),
    "input_cached": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "input_audio": ("input_audio_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "output_audio": ("output_audio_mtok", "output_mtok"),
}
"""By kind of token: the package's prices for it. Its input price is that of all prompt tokens but those with a price of
their own, and likewise for writes to caches and for output: hence the order."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-USD per token. Crossing a tier's start (in prompt tokens) reprices every token of the turn."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()  # (start, price), ascending

    def at(self, input_tokens: int) -> Decimal:
        for start, price in reversed(self.tiers):
            if input_tokens > start:
                return price
        return self.base


@dataclass(frozen=True, slots=True)
class Rates:
    """What holds for one model at one time.

    Attributes:
        by_kind: A kind of token that is not in it has no price.
        request: Nano-USD for each request, whatever its tokens.
    """

    by_kind: Mapping[str, Rate]
    request: Decimal = Decimal(0)

    def nano_usd(self, usage: TokenUsage) -> int | None:
        """The turn's price, or None if it used a kind of token that has none, or if no kind has one."""
        if not self.by_kind:
            return None
        amount = self.request
        for kind, tokens in usage:
            if not tokens:
                continue
            rate = self.by_kind.get(kind)
            if rate is None:
                return None
            amount = _EXACT.fma(rate.at(usage.input), tokens, amount)
        return int(amount.to_integral_value(context=_EXACT))


FREE = Rates(dict.fromkeys(PRICE_KEYS, Rate(Decimal(0))))


def listed_rates(prices: ModelPrice, model: str) -> Rates:
    """What the package's prices of a model mean for disjoint counts.

    Anthropic sells writes for an hour at twice the input's price, wherever it sells those for 5 minutes for more;
    some lists of who else serves its models leave it out.

    A model that is listed without a price for text has none here either: some of those are free, but others are sold by
    the song, or no longer sold.
    """
    listed = {key: value for key, value in vars(prices).items() if value is not None}
    if "input_mtok" not in listed and "output_mtok" not in listed:
        return Rates({})
    if "claude" in model and {"input_mtok", "cache_write_mtok"} <= listed.keys():
        listed.setdefault("cache_write_1h_mtok", _twice(listed["input_mtok"]))
    by_kind = {
        kind: _rate(listed[key])
        for kind, keys in PRICE_KEYS.items()
        if (key := next((key for key in keys if key in listed), None))
    }
    return Rates(by_kind, listed.get("requests_kcount", Decimal(0)) * _NANO_PER_THOUSAND_REQUESTS)


def _twice(price: Decimal | TieredPrices) -> Decimal | TieredPrices:
    if isinstance(price, TieredPrices):
        return TieredPrices(2 * price.base, [Tier(tier.start, 2 * tier.price) for tier in price.tiers])
    return 2 * price


def _rate(price: Decimal | TieredPrices) -> Rate:
    if isinstance(price, TieredPrices):
        tiers = tuple((tier.start, tier.price * _NANO_PER_MILLION_TOKENS) for tier in price.tiers)
        return Rate(price.base * _NANO_PER_MILLION_TOKENS, tiers)
    return Rate(price * _NANO_PER_MILLION_TOKENS)


class PriceOverride(BaseModel):
    """A model's price as settings give it, in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _UsdPerMillionTokens = Field(description="Prompt tokens of no other kind.")
    cached_input: _UsdPerMillionTokens | None = Field(default=None, description="Cached prompt tokens; else as input.")
    cache_write_5m: _UsdPerMillionTokens | None = Field(default=None, description="Cache writes; else as input.")
    cache_write_1h: _UsdPerMillionTokens | None = Field(default=None, description="Of an hour; else as of 5 minutes.")
    input_audio: _UsdPerMillionTokens | None = Field(default=None, description="Prompt tokens heard; else as input.")
    output: _UsdPerMillionTokens = Field(description="Answer tokens.")
    reasoning: _UsdPerMillionTokens | None = Field(default=None, description="Reasoning tokens; else as output.")
    output_audio: _UsdPerMillionTokens | None = Field(default=None, description="Answer tokens spoken; else as output.")
    effective_from: AwareDatetime | None = Field(default=None, description="Holds from then on; null: since ever.")

    @property
    def rates(self) -> Rates:
        def first(*prices: Decimal | None) -> Rate:
            return _rate(next(price for price in prices if price is not None))

        return Rates(
            {
                "input_uncached": first(self.input),
                "input_cached": first(self.cached_input, self.input),
                "cache_write_5m": first(self.cache_write_5m, self.input),
                "cache_write_1h": first(self.cache_write_1h, self.cache_write_5m, self.input),
                "input_audio": first(self.input_audio, self.input),
                "output": first(self.output),
                "reasoning": first(self.reasoning, self.output),
                "output_audio": first(self.output_audio, self.output),
            }
        )
