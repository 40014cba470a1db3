"""A provider's own usage object: recognised by its shape, each token counted once, and nothing negative."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.usage.provider_usage import read_usage
from models.usage.token_usage import FIELDS


def counts(*values: int) -> dict[str, int]:
    """By the fields of a turn, in their order: input, cached, written for 5 minutes and an hour, audio; output, ..."""
    return {field: value for field, value in zip(FIELDS, values, strict=False) if value}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {"input_tokens": 3, "cache_creation_input_tokens": 12_304, "output_tokens": 550},
            counts(3, 0, 12_304, 0, 0, 550),
            id="anthropic",
        ),
        pytest.param(
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 1000,
                "cache_read_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
                "output_tokens": 50,
                "server_tool_use": {"web_search_requests": 0},
            },
            counts(3, 7, 400, 600, 0, 50),
            id="anthropic by lifetime",
        ),
        pytest.param(
            {"input_tokens": 3, "cache_creation_input_tokens": None, "cache_creation": None, "output_tokens": 5},
            counts(3, 0, 0, 0, 0, 5),
            id="anthropic with nulls",
        ),
        pytest.param(
            {"message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 1}}},
            counts(3, 9, 0, 0, 0, 1),
            id="anthropic, a part of its stream",
        ),
        pytest.param(
            {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 100, "rejected_prediction_tokens": 3},
            },
            counts(86, 1920, 0, 0, 0, 200, 100),
            id="openai chat",
        ),
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 300,
                "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 50},
                "completion_tokens_details": {"audio_tokens": 200, "text_tokens": 100},
            },
            counts(30, 20, 0, 0, 50, 100, 0, 200),
            id="openai audio",
        ),
        pytest.param(
            {
                "input_tokens": 328,
                "input_tokens_details": {"cached_tokens": 100},
                "output_tokens": 52,
                "output_tokens_details": {"reasoning_tokens": 12},
                "total_tokens": 380,
            },
            counts(228, 100, 0, 0, 0, 40, 12),
            id="openai responses",
        ),
        pytest.param(
            {
                "total_tokens": 253,
                "input_tokens": 132,
                "output_tokens": 121,
                "input_token_details": {
                    "audio_tokens": 33,
                    "cached_tokens": 64,
                    "cached_tokens_details": {"text_tokens": 44, "audio_tokens": 20},
                },
                "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
            },
            counts(55, 64, 0, 0, 13, 30, 0, 91),
            id="openai realtime",
        ),
        pytest.param(
            {
                "promptTokenCount": 1000,
                "candidatesTokenCount": 200,
                "totalTokenCount": 1590,
                "cachedContentTokenCount": 300,
                "thoughtsTokenCount": 350,
                "toolUsePromptTokenCount": 40,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 600},
                    {"modality": "AUDIO", "tokenCount": 400},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 100}],
            },
            counts(440, 300, 0, 0, 300, 200, 350),
            id="gemini",
        ),
        pytest.param(
            {"usage_metadata": {"prompt_token_count": 9, "candidates_token_count": 2, "thoughts_token_count": None}},
            counts(9, 0, 0, 0, 0, 2),
            id="gemini in python",
        ),
        pytest.param(
            {
                "inputTokens": 10,
                "outputTokens": 20,
                "totalTokens": 130,
                "cacheReadInputTokens": 60,
                "cacheWriteInputTokens": 40,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 10}],
            },
            counts(10, 60, 10, 30, 0, 20),
            id="bedrock converse",
        ),
        pytest.param(
            {
                "X-Amzn-Bedrock-Input-Token-Count": "12",
                "x-amzn-bedrock-output-token-count": "34",
                "x-amzn-bedrock-cache-read-input-token-count": "50",
                "x-amzn-requestid": "z",
            },
            counts(12, 50, 0, 0, 0, 34),
            id="bedrock headers",
        ),
        pytest.param(
            {
                "amazon-bedrock-invocationMetrics": {
                    "inputTokenCount": 12,
                    "outputTokenCount": 3,
                    "invocationLatency": 9,
                }
            },
            counts(12, 0, 0, 0, 0, 3),
            id="bedrock metrics",
        ),
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            counts(10, 0, 0, 0, 0, 5, 100),
            id="x.ai, reasoning beside the output",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
            counts(6, 4, 0, 0, 0, 5),
            id="deepseek",
        ),
        pytest.param(
            {
                "prompt_tokens": 110,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 40},
                "cache_creation_input_tokens": 50,
                "cache_read_input_tokens": 40,
            },
            counts(20, 40, 50, 0, 0, 5),
            id="litellm of anthropic",
        ),
        pytest.param(
            {
                "input_tokens": 350,
                "output_tokens": 240,
                "total_tokens": 590,
                "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
                "output_token_details": {"audio": 10, "reasoning": 200},
            },
            counts(40, 100, 200, 0, 10, 30, 200, 10),
            id="langchain",
        ),
        pytest.param(
            {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120, "cachedInputTokens": 40, "reasoningTokens": 5},
            counts(60, 40, 0, 0, 0, 15, 5),
            id="ai sdk",
        ),
        pytest.param({"prompt_eval_count": 26, "eval_count": 298}, counts(26, 0, 0, 0, 0, 298), id="ollama"),
        pytest.param({"prompt_token_count": 26, "generation_token_count": 29}, counts(26, 0, 0, 0, 0, 29), id="llama"),
        pytest.param(
            {"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 6}},
            counts(70, 0, 0, 0, 0, 6),
            id="cohere",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 50}},
            counts(10, 50, 0, 0, 0, 5),
            id="more cached than there is input: they were beside it",
        ),
        pytest.param({"prompt_tokens": "10", "completion_tokens": 5.0}, counts(10, 0, 0, 0, 0, 5), id="as text"),
    ],
)
def test_each_shape_gives_disjoint_counts(usage: dict[str, Any], expected: dict[str, int]) -> None:
    found = read_usage(usage)
    assert found is not None
    assert found.counts == expected


@pytest.mark.parametrize("usage", [None, 7, "many", [], {}, {"tokens": None}, {"usage": {"foo": 1}}, [{"a": 1}]])
def test_what_has_no_counts_is_not_recognised(usage: Any) -> None:
    assert read_usage(usage) is None


def test_what_is_no_count_is_taken_for_none_and_named() -> None:
    found = read_usage({"prompt_tokens": -10, "completion_tokens": 5, "cached_tokens": "lots"})
    assert found is not None
    assert (found.counts, found.oddities) == ({"output_tokens": 5}, ("prompt_tokens", "cached_tokens"))


@pytest.mark.parametrize(
    ("usage", "tier", "cost"),
    [
        ({"input_tokens": 1, "service_tier": "batch"}, "batch", None),
        ({"input_tokens": 1, "service_tier": "standard"}, None, None),
        ({"input_tokens": 1, "speed": "fast"}, "fast", None),
        ({"service_tier": "flex", "usage": {"prompt_tokens": 1}}, "flex", None),
        ({"promptTokenCount": 1, "trafficType": "ON_DEMAND_PRIORITY"}, "priority", None),
        ({"prompt_tokens": 1, "cost": 0.0012}, None, 0.0012),
        ({"prompt_tokens": 1, "cost": {"total_cost": 0.006}}, None, 0.006),
        ({"prompt_tokens": 1, "cost_in_usd_ticks": 25_000_000}, None, 0.0025),
        ({"prompt_tokens": 1, "cost": -3}, None, None),
    ],
)
def test_the_service_tier_and_the_cost_are_read_too(
    usage: dict[str, Any], tier: str | None, cost: float | None
) -> None:
    found = read_usage(usage)
    assert found is not None
    assert (found.service_tier, found.cost_usd) == (tier, cost)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "prompt_tokens", "input_tokens", "output_tokens", "completion_tokens", "total_tokens", "cached_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "prompt_tokens_details",
    "output_tokens_details", "reasoning_tokens", "audio_tokens", "cacheDetails", "usage", "promptTokensDetails",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 50) | anything, max_size=8))
def test_whatever_comes_no_count_is_negative_or_no_integer(usage: dict[str, Any]) -> None:
    found = read_usage(usage)
    if found is not None:
        assert all(type(count) is int and count > 0 for count in found.counts.values())
        assert found.counts.keys() <= FIELDS.keys()
