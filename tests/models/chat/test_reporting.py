"""A turn as clients report it."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.chat.interaction import MAX_QUESTION, Turn
from models.chat.reporting import reported

TURN = {"user_query": "Why?", "response_text": "Because.", "model_used": "gpt-4o"}
COUNTED = TURN | {"input_tokens": 5, "output_tokens": 2}


def test_the_providers_own_usage_object_gives_the_counts() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}, "cost": 0.5}
    turn = reported(Turn, TURN | {"usage": usage | {"service_tier": "flex"}})
    assert (turn.input_tokens, turn.cached_input_tokens, turn.output_tokens) == (4, 6, 4)
    assert (turn.service_tier, turn.reported_cost_usd, turn.usage, turn.adjusted) == ("flex", 0.5, None, {})


def test_the_usage_object_goes_before_counts_that_differ_and_says_so() -> None:
    turn = reported(Turn, COUNTED | {"usage": {"prompt_tokens": 9, "completion_tokens": 2}})
    assert (turn.input_tokens, turn.output_tokens) == (9, 2)
    assert turn.adjusted == {"input_tokens": "taken from usage"}


def test_counts_stand_where_the_usage_object_has_none() -> None:
    for usage in ({}, {"seconds": 3}, None, "none"):
        turn = reported(Turn, COUNTED | {"usage": usage})
        assert (turn.input_tokens, turn.output_tokens) == (5, 2)
        assert turn.adjusted == {"usage": "no token counts were found in it"}


@pytest.mark.parametrize("usage", [{}, None, {"usage": None}])
def test_without_any_count_a_turn_is_refused(usage: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        reported(Turn, TURN | {"usage": usage})
    assert {part["loc"] for part in refusal.value.errors()} == {("input_tokens",), ("output_tokens",)}


@pytest.mark.parametrize(
    ("changes", "field", "kept"),
    [
        ({"user_query": "x" * 40_000}, "user_query", "x" * MAX_QUESTION),
        ({"user_query": "x" * 40_000, "store_texts": False}, "user_query", "x" * MAX_QUESTION),
        ({"user_query": None}, "user_query", ""),
        ({"response_text": None}, "response_text", ""),
        ({"user_query_language": "en_US"}, "user_query_language", "en-US"),
        ({"user_query_language": "zh_Hans_CN.UTF-8"}, "user_query_language", "zh-Hans-CN"),
        ({"user_query_language": "English (US)"}, "user_query_language", None),
        ({"rag_sources_used": ["s" * 600]}, "rag_sources_used", ["s" * 512]),
        ({"citations_provided": [f"s{n}" for n in range(65)]}, "citations_provided", [f"s{n}" for n in range(64)]),
        ({"query_category": "c" * 65}, "query_category", "c" * 64),
        ({"personality_used": " "}, "personality_used", "assistant"),
        ({"user_rating": 11}, "user_rating", None),
        ({"response_time_ms": 1234.5}, "response_time_ms", 1234),
        ({"admission_id": "nonsense"}, "admission_id", None),
        ({"store_texts": "false"}, "store_texts", False),
        ({"store_texts": None}, "store_texts", False),
        ({"model_used": None}, "model_used", "unknown"),
        ({"service_tier": "scale"}, "service_tier", None),
        ({"service_tier": "Batch"}, "service_tier", "batch"),
        ({"reported_cost_usd": -1}, "reported_cost_usd", None),
        ({"cached_input_tokens": None}, "cached_input_tokens", 0),
        ({"input_tokens": "5"}, "input_tokens", 5),
    ],
)
def test_no_usage_is_lost_for_what_is_odd(changes: dict[str, Any], field: str, kept: Any) -> None:
    turn = reported(Turn, COUNTED | changes)
    assert getattr(turn, field) == kept
    assert list(turn.adjusted) == [field]


def test_an_empty_question_is_one() -> None:
    assert reported(Turn, COUNTED | {"user_query": ""}).adjusted == {}


@pytest.mark.parametrize("field", ["input_tokens", "cached_input_tokens", "reasoning_tokens", "cache_write_1h_tokens"])
@pytest.mark.parametrize("count", [-1, "many", 1.0e300])
def test_a_count_is_never_guessed(field: str, count: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        reported(Turn, COUNTED | {field: count})
    assert {part["loc"] for part in refusal.value.errors()} == {(field,)}
