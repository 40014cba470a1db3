"""One model, one name: however its provider, cloud, gateway or tool spells it, and never another model's."""

from datetime import UTC, datetime

import pytest
from genai_prices.data import providers

from models.usage.catalogue import MAX_CANONICAL_LENGTH, listing
from models.usage.pricing import Asked, PriceTable
from models.usage.token_usage import TokenUsage

AUTUMN = datetime(2026, 10, 15, 12, tzinfo=UTC)
TABLE = PriceTable()
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56"

SPELLINGS = {
    "claude-3-7-sonnet": (
        "claude-3-7-sonnet-20250219",
        "claude-3-7-sonnet-latest",
        "Claude-3.7-Sonnet",
        "claude-3-7-sonnet@20250219",
        "anthropic/claude-3-7-sonnet@20250219",
        "anthropic/claude-3.7-sonnet:beta",
        "openrouter/anthropic/claude-3.7-sonnet",
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "eu.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "apac.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "bedrock/converse/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "bedrock/us-east-1/anthropic.claude-3-7-sonnet-20250219-v1:0",
        "bedrock:us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-7-sonnet-20250219-v1:0",
        "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "vertex_ai/claude-3-7-sonnet@20250219",
        "publishers/anthropic/models/claude-3-7-sonnet@20250219",
        "projects/p/locations/us-east5/publishers/anthropic/models/claude-3-7-sonnet",
        "  claude-3-7-sonnet  ",
    ),
    "claude-sonnet-4-5": (
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4.5",
        "azure_ai/claude-sonnet-4-5",
    ),
    "gpt-4o": (
        "GPT-4o",
        "gpt-4o-2024-08-06",
        "gpt-4o-20240806",
        "gpt-4o-2099-01-01",
        "openai/gpt-4o",
        "openai:gpt-4o",
        "openai-responses:gpt-4o",
        "azure/gpt-4o",
        "azure/eu/gpt-4o-2024-08-06",
        "azure/global-standard/gpt-4o-2024-11-20",
        "azure_ai/gpt-4o",
        "litellm_proxy/azure/gpt-4o",
        "openrouter/openai/gpt-4o:online",
    ),
    "gpt-4o-2024-05-13": ("gpt-4o-2024-05-13", "azure/gpt-4o-20240513"),
    "gpt-3.5-turbo": ("gpt-35-turbo", "azure/gpt-35-turbo", "gpt-3.5-turbo-0125"),
    "ft:gpt-4o-mini": ("ft:gpt-4o-mini-2024-07-18:acme:custom:id", "gpt-4o-mini-2024-07-18.ft-0e1f"),
    "ft:gpt-4.1": ("ft:gpt-4.1-2025-04-14:acme::id", "openai/ft:gpt-4.1-2025-04-14:acme"),
    "gemini-2.5-pro": (
        "models/gemini-2.5-pro",
        "gemini/gemini-2.5-pro",
        "google/gemini-2.5-pro",
        "google-gla:gemini-2.5-pro",
        "google-vertex:gemini-2.5-pro",
        "publishers/google/models/gemini-2.5-pro",
        "vertex_ai/gemini-2.5-pro@latest",
        "gemini-2.5-pro-preview-06-05",
    ),
    "gemini-flash-1.5-8b": ("gemini-1.5-flash-8b", "gemini/gemini-1.5-flash-8b-001", "models/gemini-1.5-flash-8b"),
    "nova-lite": ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0", "amazon/nova-lite-v1"),
    "deepseek-v3-0324": (
        "accounts/fireworks/models/deepseek-v3-0324",
        "fireworks_ai/accounts/fireworks/models/deepseek-v3-0324",
    ),
    "gpt-oss-120b": ("openai/gpt-oss-120b", "groq/openai/gpt-oss-120b", "accounts/fireworks/models/gpt-oss-120b"),
    "grok-4-0709": ("grok-4", "xai/grok-4", "x-ai/grok-4-latest"),
    "mistral-large": ("mistral-large-latest", "mistral/mistral-large-2411", "mistral.mistral-large-2402-v1:0"),
    "command-r-plus": ("cohere/command-r-plus", "cohere.command-r-plus-v1:0", "cohere:command-r-plus"),
    "deepseek-reasoner": ("deepseek-r1", "deepseek/deepseek-r1", "azure_ai/deepseek-r1", "us.deepseek.r1-v1:0"),
}


@pytest.mark.parametrize("canonical", SPELLINGS)
def test_all_spellings_of_a_model_are_one_name_and_priced(canonical: str) -> None:
    assert {TABLE.canonical(spelling) for spelling in SPELLINGS[canonical]} == {canonical}
    costs = [TABLE.price(spelling, TokenUsage(input_uncached=10), AUTUMN) for spelling in SPELLINGS[canonical]]
    assert {cost.status for cost in costs} == {"priced"}


@pytest.mark.parametrize(
    "name",
    [
        "deepseek-r1:14b",
        "deepseek-r1:latest",
        "deepseek-r1-distill-qwen-14b",
        "deepseek-r1-distill-llama-70b",
        "deepseek/deepseek-r1-distill-llama-70b",
        "deepseek-ai/DeepSeek-R1",
        "ollama/deepseek-r1",
        "ollama_chat/llama3",
        "llama3.2:3b",
        "mistral:7b",
        "mistral:latest",
        "mistral:7b-instruct-q4",
        "mistral-small3.1:24b",
        "command-r:35b",
        "gemma3:27b",
        "gpt-oss:20b",
        "meta-llama/Llama-3.3-70B-Instruct",
        "gpt-4o-prod",
        "my-gemini-1.5-flash",
        "azure/my-deployment",
        PROFILE,
        "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abc",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/llama",
        "projects/p/locations/us-central1/endpoints/1234",
    ],
)
def test_what_somebody_runs_or_names_themselves_is_not_charged(name: str) -> None:
    assert TABLE.price(name, TokenUsage(input_uncached=10), AUTUMN).status == "unpriced"
    assert 0 < len(TABLE.canonical(name)) <= MAX_CANONICAL_LENGTH


@pytest.mark.parametrize(
    "name",
    [
        "deepseek/deepseek-r1:free",
        "openrouter/google/gemini-2.0-flash-exp:free",
        "nobody/nothing:free",
        "claude-2:free",
    ],
)
def test_a_model_that_is_given_away_costs_nothing_whoever_serves_it(name: str) -> None:
    cost = TABLE.price(name, TokenUsage(input_uncached=10, output=10), AUTUMN)
    assert (cost.status, cost.cost_nano_usd) == ("priced", 0)
    assert ":free" not in TABLE.canonical(name)


def test_a_smaller_sister_has_a_price_of_its_own() -> None:
    one, other = (
        TABLE.price(n, TokenUsage(input_uncached=1000), AUTUMN) for n in ("gemini-1.5-flash", "gemini-1.5-flash-8b")
    )
    assert one.cost_nano_usd == 75_000
    assert other.cost_nano_usd == 37_500


def test_whoever_serves_a_model_has_a_price_of_their_own() -> None:
    used = TokenUsage(input_uncached=100_000)
    usd = {
        name: TABLE.price(name, used, AUTUMN).cost_usd
        for name in (
            "claude-sonnet-4-5",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        )
    }
    assert list(usd.values()) == [0.3, 0.33, 0.3]  # Bedrock's regions cost a tenth more


def test_the_provider_may_be_told_besides_the_name() -> None:
    used = TokenUsage(input_uncached=1000)
    assert TABLE.price("meta-llama/llama-3.1-8b-instruct", used, AUTUMN).status == "unpriced"
    told = TABLE.price("meta-llama/llama-3.1-8b-instruct", used, AUTUMN, provider="openrouter")
    assert (told.status, told.provider) == ("priced", "openrouter")
    assert TABLE.price("gpt-4o", used, AUTUMN, provider="azure").cost_nano_usd == 2_500_000
    assert TABLE.price("claude-3-7-sonnet", used, AUTUMN, provider="bedrock").status == "priced"


def test_an_alias_is_priced_and_counted_as_its_model_with_its_dates_and_tiers() -> None:
    table = PriceTable(
        aliases={"Our-Chat": "azure/gpt-4o", PROFILE: "us.anthropic.claude-3-7-sonnet-20250219-v1:0", "d": "o3"}
    )
    used = TokenUsage(input_uncached=1000)
    assert (table.canonical("our-chat"), table.canonical("azure/eu/our-chat")) == ("gpt-4o", "gpt-4o")
    assert table.price("azure/our-chat", used, AUTUMN).cost_nano_usd == 2_500_000
    assert table.canonical(PROFILE.upper()) == "claude-3-7-sonnet"
    before, after = (table.price("d", used, datetime(2025, 6, day, tzinfo=UTC)).cost_nano_usd for day in (9, 10))
    assert (before, after) == (10_000_000, 2_000_000)
    flex = table.price("d", used, AUTUMN, service_tier="flex").cost_nano_usd
    assert flex == table.price("o3", used, AUTUMN, service_tier="flex").cost_nano_usd == 1_000_000
    assert table.version != TABLE.version


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("claude-3-7-sonnet-20250219", TokenUsage(input_uncached=3, cache_write_5m=12_304, output=550), 0.054399),
        ("claude-3-7-sonnet-20250219", TokenUsage(input_uncached=3, cache_write_1h=12_304, output=550), 0.082083),
        (
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            TokenUsage(input_uncached=3, cache_write_5m=12_304, output=550),
            0.054399,
        ),
        (
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            TokenUsage(input_uncached=3, cache_write_1h=12_304, output=550),
            0.082083,
        ),
        ("vertex_ai/claude-3-7-sonnet@20250219", TokenUsage(cache_write_1h=1_000_000), 6.0),
        (
            "claude-opus-4-5-20251101",
            TokenUsage(input_uncached=10, input_cached=66_360, cache_write_5m=32_435, output=5_120),
            0.363949,
        ),
        (
            "gpt-4o-mini",
            TokenUsage(cache_write_5m=1000, cache_write_1h=1000),
            0.0003,
        ),  # no price of their own: as input
        ("gpt-4o-realtime-preview", TokenUsage(input_audio=1_000_000, output_audio=1_000_000), 120.0),
        ("gemini-2.0-flash", TokenUsage(input_audio=1_000_000), 0.7),
    ],
)
def test_every_kind_of_token_has_its_price(model: str, usage: TokenUsage, usd: float) -> None:
    assert TABLE.price(model, usage, AUTUMN).cost_usd == pytest.approx(usd, abs=5e-7)


@pytest.mark.parametrize(
    ("model", "tier", "usd"),
    [
        ("o3", None, 2.0),
        ("o3", "flex", 1.0),
        ("o3", "priority", 3.5),
        ("gpt-4o", "batch", 1.25),
        ("claude-sonnet-4-5", "batch", 1.5),
        ("llama-3.1-8b-instant", "flex", None),
    ],
)
def test_a_service_tier_has_its_price(model: str, tier: str | None, usd: float | None) -> None:
    used = TokenUsage(input_uncached=100_000)
    cost = TABLE.price(model, used, AUTUMN, service_tier=tier)
    assert cost.cost_usd == (None if usd is None else pytest.approx(usd / 10))


def test_the_cost_that_the_provider_reports_is_preferred_only_by_setting() -> None:
    asked = Asked("gpt-4o", reported_nano_usd=77)
    used = TokenUsage(input_uncached=1)
    assert TABLE.cost(asked, used, AUTUMN).cost_nano_usd == 2500
    preferring = PriceTable(prefer_reported=True)
    cost = preferring.cost(asked, used, AUTUMN)
    assert (cost.cost_nano_usd, cost.price_version) == (77, "reported")
    assert preferring.cost(Asked("gpt-4o"), used, AUTUMN).cost_nano_usd == 2500


def test_the_most_that_a_turn_may_cost_has_its_prompt_written_to_the_cache() -> None:
    assert TABLE.most(Asked("claude-3-7-sonnet"), 1000, 100, AUTUMN).cost_nano_usd == 1000 * 6000 + 100 * 15_000
    assert TABLE.most(Asked("gpt-4o-mini"), 1000, 100, AUTUMN).cost_nano_usd == 1000 * 150 + 100 * 600
    assert TABLE.most(Asked("nobody"), 1000, 100, AUTUMN).status == "unpriced"


def test_a_canonical_name_is_its_own() -> None:
    names = {model.id for provider in providers for model in provider.models if provider.model_match is not None}
    wrong = {name: (one, two) for name in names if (one := listing(name).canonical) != (two := listing(one).canonical)}
    assert not wrong
