"""Characters that were cut apart are put together; what stays half is replaced."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.answers.mended import Mended

HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["a", "b"], "ab"),
        ([f"a{HIGH}", f"{LOW}b"], "a😀b"),
        ([HIGH, "", LOW], "😀"),
        ([HIGH, HIGH, LOW], "\ufffd😀"),
        ([LOW, "a"], "\ufffda"),
        (["a", HIGH], "a\ufffd"),
        ([HIGH, "a"], "\ufffda"),
        ([], ""),
    ],
)
def test_halves_of_characters(pieces: list[str], whole: str) -> None:
    mended = Mended()
    assert "".join(map(mended.of, pieces)) + mended.rest == whole


@given(st.text(), st.lists(st.integers(0, 60)))
def test_a_text_cut_anywhere_is_that_text(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    places = [0, *sorted(cuts), len(halves)]
    mended = Mended()
    pieces = [mended.of("".join(halves[start:end])) for start, end in itertools.pairwise(places)]
    assert "".join(pieces) + mended.rest == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
