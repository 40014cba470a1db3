"""What a model is given of a conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.context import MAX_TURNS, Context, ContextWindow, PastTurn, estimated_tokens
from tests.models.examples import SESSION_ID


def a_turn(sequence: int, query: str = "Why?", response: str = "Because.", output_tokens: int = 10) -> PastTurn:
    return PastTurn(
        interaction_sequence=sequence, user_query=query, response_text=response, output_tokens=output_tokens
    )


def context_of(turns: list[PastTurn], max_tokens: int) -> Context:
    """Of turns given oldest first."""
    window = ContextWindow(max_tokens)
    for turn in reversed(turns):
        window.add(turn)
    return window.context(SESSION_ID)


def test_a_response_counts_what_its_model_said_and_a_query_is_estimated() -> None:
    assert a_turn(1, query="12345678", output_tokens=10).tokens == 2 + 10 + 8


@pytest.mark.parametrize("reported", [0, 1, 99])
def test_a_response_counts_at_least_what_is_estimated(reported: int) -> None:
    assert a_turn(1, query="1234", response="x" * 400, output_tokens=reported).tokens == 1 + 100 + 8


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("What is the meaning of life?", 7),
        ("道可道非常道", 6),
        ("धर्म क्या है", 6),
        ("Что такое мудрость", 7),
        ("🙂", 2),
        ("Einstein 相对论", 6),
    ],
)
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


def test_the_newest_turns_are_kept_and_come_oldest_first() -> None:
    turns = [a_turn(number, query=f"Q{number}") for number in range(1, 6)]
    context = context_of(turns, 2 * turns[0].tokens)
    assert [message.content for message in context.messages] == ["Q4", "Because.", "Q5", "Because."]
    assert [message.role for message in context.messages] == ["user", "assistant"] * 2
    assert (context.turns, context.until, context.is_complete) == (2, 5, False)


def test_a_context_has_no_holes() -> None:
    turns = [a_turn(1), a_turn(2, output_tokens=1000), a_turn(3)]
    assert context_of(turns, 500).turns == 1


def test_a_turn_that_is_too_long_for_the_budget_leaves_nothing() -> None:
    context = context_of([a_turn(7, output_tokens=100)], 50)
    assert (context.messages, context.until, context.is_complete) == ([], 7, False)


def test_an_empty_session_has_no_point() -> None:
    context = context_of([], 100)
    assert (context.until, context.messages, context.is_complete) == (None, [], True)


def test_what_is_read_and_sent_is_bounded_whatever_turns_claim_to_count() -> None:
    liars = [a_turn(number, output_tokens=1) for number in range(1, MAX_TURNS + 2)]
    assert context_of(liars, 200_000).turns == MAX_TURNS
    long = [a_turn(number, response="x" * 300_000, output_tokens=1) for number in (1, 2, 3)]
    assert context_of(long, 200_000).turns == 2


@given(st.lists(st.integers(0, 200), max_size=20), st.integers(1, 2000))
def test_the_budget_holds_and_is_used(tokens: list[int], budget: int) -> None:
    turns = [a_turn(number, response="x", output_tokens=count) for number, count in enumerate(tokens, 1)]
    context = context_of(turns, budget)
    assert context.tokens == sum(turn.tokens for turn in turns[len(turns) - context.turns :]) <= budget
    assert context.is_complete == (context.turns == len(turns))
    if not context.is_complete:
        assert context.tokens + turns[-context.turns - 1].tokens > budget


def test_turns_without_texts_take_no_room_and_are_told_of() -> None:
    bare = PastTurn(interaction_sequence=2, user_query=None, response_text=None, output_tokens=100_000)
    turns = [a_turn(1), bare, a_turn(3)]
    context = context_of(turns, 2 * turns[0].tokens)
    assert (context.turns, context.turns_without_texts, context.tokens) == (2, 1, 2 * turns[0].tokens)
    assert (len(context.messages), context.until, context.is_complete) == (4, 3, False)
    assert context_of([bare] * (MAX_TURNS + 1), 1).turns_without_texts == MAX_TURNS
