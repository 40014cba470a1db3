"""How much of a model's window the question, the answer and the context get."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.answers.making import reserved_for
from models.answers.answer import LEASE
from models.answers.request import LEAST_OUTPUT, AnswerRequest, Room, fixed_tokens, room


def a_request(**changes: Any) -> AnswerRequest:
    return AnswerRequest.model_validate({"question": "Why?"} | changes)


@pytest.mark.parametrize(
    ("changes", "window", "longest", "found"),
    [
        ({}, 8000, 500, Room(context=4000, output=500)),
        ({"max_output_tokens": 100}, 8000, 500, Room(context=4000, output=100)),
        ({"max_output_tokens": 9000}, 8000, 500, Room(context=4000, output=500)),
        ({"context_tokens": 0}, 8000, 500, Room(context=0, output=500)),
        ({"question": "Why? " * 5000}, 5000, 500, None),
    ],
)
def test_what_there_is_room_for(changes: dict[str, Any], window: int, longest: int, found: Room | None) -> None:
    assert room(a_request(**changes), window, longest) == found


@given(
    st.text(min_size=1, max_size=2000), st.text(min_size=1, max_size=500), st.integers(0, 9000), st.integers(256, 9000)
)
def test_all_of_it_fits_the_window(question: str, instructions: str, context: int, window: int) -> None:
    request = a_request(question=question, instructions=instructions, context_tokens=context)
    found = room(request, window, longest=1000)
    fixed = fixed_tokens(question, instructions)
    if found is None:
        assert window - fixed < LEAST_OUTPUT
    else:
        assert fixed + found.context + found.output <= window
        assert found.output >= LEAST_OUTPUT


@given(st.floats(10, 86_400), st.floats(1, 3600))
def test_a_reservation_outlives_the_longest_answer_and_its_lease(reservation: float, answer: float) -> None:
    assert reserved_for(reservation, answer).total_seconds() > answer + LEASE.total_seconds()
