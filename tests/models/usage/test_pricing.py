"""Prices: disjoint tokens in, whole nano-dollars out, by date, and never zero for what nobody knows."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.usage.model_names import MAX_MODEL_NAME_LENGTH
from models.usage.pricing import Cost, PriceTable
from models.usage.token_usage import MAX_TOKENS_PER_TURN, TokenUsage

AUTUMN = datetime(2026, 10, 15, 12, tzinfo=UTC)
TABLE = PriceTable()
MILLION = 1_000_000


def usage(uncached: int = 0, cached: int = 0, output: int = 0, reasoning: int = 0) -> TokenUsage:
    return TokenUsage(input_uncached=uncached, input_cached=cached, output=output, reasoning=reasoning)


usages = st.builds(TokenUsage, **dict.fromkeys(TokenUsage.model_fields, st.integers(0, 2 * MILLION)))


@pytest.mark.parametrize(
    ("model", "used", "nano_usd"),
    [
        ("gpt-4o-mini", usage(uncached=1000, output=500), 450_000),  # 0.15, 0.60
        ("gpt-4o-mini", usage(uncached=1), 150),
        ("gpt-4o-mini", usage(cached=1), 75),
        ("gpt-4o", usage(uncached=MILLION, cached=MILLION, output=MILLION), 13_750_000_000),  # 2.50, 1.25, 10
        ("GPT-4o", usage(uncached=MILLION), 2_500_000_000),
        ("gpt-4o-2024-08-06", usage(uncached=MILLION), 2_500_000_000),
        ("gpt-4o-2024-05-13", usage(uncached=MILLION), 5_000_000_000),
        ("azure/gpt-4o", usage(uncached=MILLION), 2_500_000_000),
        ("gpt-35-turbo", usage(output=MILLION), 1_500_000_000),
        ("gemini-2.0-flash", usage(uncached=1000, output=1000), 500_000),  # 0.10, 0.40
        ("gemini-2.0-flash-001", usage(cached=1000), 25_000),
        ("models/gemini-2.0-flash", usage(cached=1000), 25_000),
        ("perplexity/sonar", usage(uncached=1000), 13_000_000),  # 1.00, and 12 per thousand requests
    ],
)
def test_known_models_have_their_list_price(model: str, used: TokenUsage, nano_usd: int) -> None:
    cost = TABLE.price(model, used, AUTUMN)
    assert (cost.status, cost.cost_nano_usd, cost.cost_usd) == ("priced", nano_usd, nano_usd / 1e9)


@pytest.mark.parametrize(
    "model",
    ["", "nonsense", "gpt-4o-prod", "azure/my-deployment", "/", "nobody/gpt-4o", "x" * (MAX_MODEL_NAME_LENGTH + 1)],
)
def test_a_model_nobody_knows_is_unpriced_and_not_zero(model: str) -> None:
    cost = TABLE.price(model, usage(uncached=1), AUTUMN)
    assert cost == Cost(status="unpriced", cost_nano_usd=None, price_version=TABLE.version, provider=None, model=None)
    assert cost.cost_usd is None


def test_tokens_of_a_kind_without_a_price_are_unpriced() -> None:
    assert TABLE.price("gemini-embedding-001", usage(uncached=10), AUTUMN).cost_nano_usd == 1500
    assert TABLE.price("gemini-embedding-001", usage(uncached=10, output=1), AUTUMN).status == "unpriced"
    assert TABLE.price("openai/whisper-1", usage(uncached=10), AUTUMN).status == "unpriced"


def test_a_free_model_is_priced_with_zero() -> None:
    cost = TABLE.price("openrouter/deepseek/deepseek-r1:free", usage(uncached=10, output=10), AUTUMN)
    assert (cost.status, cost.cost_nano_usd) == ("priced", 0)


@pytest.mark.parametrize(
    "model", ["gpt-4o-moderation", "cerebras/qwen-3-coder-480b", "openrouter/stealth/crouton-alpha"]
)
def test_a_model_that_is_listed_without_a_price_is_unpriced(model: str) -> None:
    assert {TABLE.price(model, used, AUTUMN).status for used in (usage(), usage(uncached=10))} == {"unpriced"}
    assert PriceTable({model: {"input": 0, "output": 0}}).price(model, usage(uncached=10), AUTUMN).cost_nano_usd == 0


def test_the_cost_names_the_provider_model_and_table() -> None:
    cost = TABLE.price("gpt-4o-2024-08-06", usage(uncached=1), AUTUMN)
    assert (cost.provider, cost.model) == ("openai", "gpt-4o")
    assert cost.price_version == TABLE.version == f"genai-prices/{genai_prices.__version__}"


def test_crossing_a_tier_reprices_the_whole_turn() -> None:
    below = TABLE.price("gemini-1.5-pro", usage(uncached=128_000, output=1000), AUTUMN)
    above = TABLE.price("gemini-1.5-pro", usage(uncached=128_000, cached=1, output=1000), AUTUMN)
    assert below.cost_nano_usd == 128_000 * 1250 + 1000 * 5000
    assert above.cost_nano_usd == 128_001 * 2500 + 1000 * 10_000


def test_a_price_changes_at_its_start_date_in_utc() -> None:
    dated = {"o3": (datetime(2025, 6, 9, 23, 59, tzinfo=UTC), 10_000), "claude-sonnet-4-5": (AUTUMN, 3000)}
    for model, (at, nano) in dated.items():
        assert TABLE.price(model, usage(uncached=1), at).cost_nano_usd == nano
    after = datetime(2025, 6, 10, tzinfo=UTC)
    assert TABLE.price("o3", usage(uncached=1), after).cost_nano_usd == 2000
    elsewhere = after.astimezone(timezone(timedelta(hours=-7)))  # still the 9th there
    assert TABLE.price("o3", usage(uncached=1), elsewhere).cost_nano_usd == 2000


def test_a_price_can_depend_on_the_hour() -> None:
    by_day = TABLE.price("deepseek-reasoner", usage(uncached=1000), datetime(2025, 5, 1, 12, tzinfo=UTC))
    by_night = TABLE.price("deepseek-reasoner", usage(uncached=1000), datetime(2025, 5, 1, 20, tzinfo=UTC))
    assert (by_day.cost_nano_usd, by_night.cost_nano_usd) == (550_000, 135_000)


def all_models() -> list[tuple[Provider, ModelInfo]]:
    return [(provider, model) for provider in providers for model in provider.models]


@pytest.mark.parametrize("at", [datetime(2024, 1, 1, 3, tzinfo=UTC), AUTUMN])
def test_every_price_of_the_package_means_what_the_package_says(at: datetime) -> None:
    used = usage(uncached=150_000, cached=70_000, output=3000, reasoning=900)
    reported = genai_prices.Usage(
        input_tokens=used.input, cache_read_tokens=70_000, output_tokens=3900, output_reasoning_tokens=900
    )
    compared = 0
    for provider, model in all_models():
        cost = TABLE.price(f"{provider.id}/{model.id}", used, at)
        if cost.status == "priced" and (cost.provider, cost.model) == (provider.id, model.id):
            theirs = model.calc_price(reported, provider, genai_request_timestamp=at).total_price
            assert cost.cost_nano_usd == pytest.approx(theirs * 10**9, abs=Decimal("0.5")), model.id
            compared += 1
    assert compared > 1000


def test_a_bare_name_finds_what_the_package_finds() -> None:
    used, reported = usage(uncached=1), genai_prices.Usage(input_tokens=1)
    compared = 0
    for name in sorted({model.id for _, model in all_models()}):
        try:
            theirs = genai_prices.calc_price(reported, name, genai_request_timestamp=AUTUMN)
        except LookupError:
            continue
        cost = TABLE.price(name, used, AUTUMN)
        if cost.status == "priced" and not name.endswith(":free"):
            assert (cost.provider, cost.model) == (theirs.provider.id, theirs.model.id)
            compared += 1
    assert compared > 300


@given(used=usages, split=st.tuples(*[st.floats(0, 1)] * len(TokenUsage.model_fields)))
def test_a_turn_costs_as_much_as_its_parts(used: TokenUsage, split: tuple[float, ...]) -> None:
    counts = used.model_dump()
    part = {kind: int(count * share) for (kind, count), share in zip(counts.items(), split, strict=True)}
    rest = {kind: counts[kind] - part[kind] for kind in counts}
    whole, one, two = (
        TABLE.price("o1", u, AUTUMN).cost_nano_usd or 0 for u in (used, TokenUsage(**part), TokenUsage(**rest))
    )
    assert whole == one + two  # o1's rates are whole nano-dollars, and it has no tiers
    assert whole >= max(one, two) >= 0


@given(used=usages)
def test_a_cost_is_never_negative_and_more_tokens_never_cost_less(used: TokenUsage) -> None:
    more = used.model_copy(update={"input_uncached": used.input_uncached + 1})
    for model in ("gpt-4o", "gemini-1.5-pro", "perplexity/sonar-deep-research"):
        less_nano, more_nano = (TABLE.price(model, u, AUTUMN).cost_nano_usd for u in (used, more))
        assert less_nano is not None
        assert more_nano is not None
        assert 0 <= less_nano <= more_nano


def test_half_a_nano_dollar_is_rounded_up_once_whatever_the_decimal_context() -> None:
    table = PriceTable({"m": {"input": "0.0005", "output": "0.0004"}})
    with localcontext() as context:
        context.prec = 2
        costs = [table.price("m", used, AUTUMN).cost_nano_usd for used in (usage(1), usage(output=1), usage(1, 0, 1))]
    assert costs == [1, 0, 1]
    assert table.price("m", usage(MAX_TOKENS_PER_TURN), AUTUMN).cost_nano_usd == 500_000_000


def test_an_override_wins_and_falls_back_within_itself() -> None:
    table = PriceTable({"My-Deployment": {"input": 1, "output": 8}, "gpt-4o": {"input": 0, "output": 0}})
    cost = table.price("my-deployment", usage(1000, 1000, 1000, 1000), AUTUMN)
    assert (cost.cost_nano_usd, cost.provider, cost.model) == (18_000_000, "override", "my-deployment")
    assert table.price("gpt-4o", usage(1000), AUTUMN).cost_nano_usd == 0
    own = PriceTable({"m": {"input": 2, "cached_input": "0.5", "output": 8, "reasoning": 4}})
    assert own.price("m", usage(1000, 1000, 1000, 1000), AUTUMN).cost_nano_usd == 14_500_000


def test_a_dated_override_holds_from_its_date_on_and_the_table_before() -> None:
    march, june = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    prices = [
        {"input": 3, "output": 3, "effective_from": "2026-03-01T00:00:00Z"},
        {"input": 6, "output": 6, "effective_from": "2026-06-01T00:00:00Z"},
    ]
    for order in (prices, prices[::-1]):
        table = PriceTable({"gpt-4o": order, "mine": order})
        instants = [march - timedelta(seconds=1), march, june - timedelta(seconds=1), june]
        assert [table.price("gpt-4o", usage(1), at).cost_nano_usd for at in instants] == [2500, 3000, 3000, 6000]
        assert [table.price("mine", usage(1), at).status for at in instants] == ["unpriced", *["priced"] * 3]


def test_the_version_changes_with_the_overrides_and_not_with_their_order() -> None:
    one, two = {"input": 1, "output": 1}, {"input": 2, "output": 1}
    versions = [PriceTable(o).version for o in ({"a": one, "b": two}, {"B": two, "A": one}, {"a": two, "b": two}, {})]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
    assert versions[3] == TABLE.version


@pytest.mark.parametrize(
    "overrides",
    [
        {"m": {"input": -1, "output": 1}},
        {"m": {"input": 1}},
        {"m": {"input": "NaN", "output": 1}},
        {"m": {"input": 1, "output": 1, "outptu": 1}},
        {"m": {"input": 1, "output": 1, "effective_from": "2026-01-01T00:00:00"}},
        {"m": [{"input": 1, "output": 1}, {"input": 2, "output": 1}]},
        {"m": {"input": 1, "output": 1}, "M": {"input": 1, "output": 1}},
    ],
)
def test_overrides_that_are_not_prices_are_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"price override|validation error"):
        PriceTable(overrides)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        TABLE.price("gpt-4o", usage(1), datetime(2026, 1, 1))


@pytest.mark.parametrize("count", [-1, 1.5, "1", True, None, MAX_TOKENS_PER_TURN + 1])
def test_only_whole_non_negative_counts_are_token_counts(count: object) -> None:
    with pytest.raises(ValidationError):
        TokenUsage.model_validate({"input_uncached": count})


def test_the_total_is_the_sum_of_the_kinds() -> None:
    assert usage(1, 20, 300, 4000).total == 4321
    assert usage(1, 20, 300, 4000).input == 21


@pytest.mark.parametrize(("status", "amount"), [("priced", None), ("unpriced", 0), ("priced", -1)])
def test_a_cost_has_an_amount_exactly_if_it_is_priced(status: Any, amount: int | None) -> None:
    with pytest.raises(ValidationError):
        Cost(status=status, cost_nano_usd=amount, price_version="v", provider=None, model=None)


def test_pricing_starts_no_thread_and_opens_no_socket() -> None:
    script = """
import sys, threading
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
from datetime import UTC, datetime
from models.usage.pricing import PriceTable, TokenUsage
assert PriceTable().price("gpt-4o", TokenUsage(output=1), datetime(2026, 1, 1, tzinfo=UTC)).cost_nano_usd == 10_000
assert PriceTable().price("nobody", TokenUsage(), datetime(2026, 1, 1, tzinfo=UTC)).status == "unpriced"
connections = [event for event in opened if event in ("socket.connect", "socket.getaddrinfo", "socket.bind")]
assert (threading.active_count(), connections) == (1, []), (threading.enumerate(), opened)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=__file__.rsplit("/tests/", 1)[0])
