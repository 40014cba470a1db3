"""What to look for."""

from __future__ import annotations

import pytest

from models.core.search import Terms, terms_of


@pytest.mark.parametrize(
    ("text", "words", "fragments"),
    [
        ("", (), ()),
        ("ring Planets RING", ("ring", "planets"), ()),
        ("“Énergie”, (masse)?", ("énergie", "masse"), ()),
        ("C++ state-of-the-art", (), ("C++", "state-of-the-art")),
        ("非常道", (), ("非常道",)),
        ("धर्म dharma", ("dharma",), ("धर्म",)),
        ("???", (), ("???",)),
        ("virtue - meaning", ("virtue", "meaning"), ()),
        ("🙂 smile", ("smile",), ("🙂",)),
        ("What is the meaning of life?", ("meaning", "life"), ()),
        ("the 非常道", (), ("非常道",)),
        ("To be or not to be", (), ("to", "be", "or", "not")),
    ],
)
def test_plain_words_are_left_to_the_index(text: str, words: tuple[str, ...], fragments: tuple[str, ...]) -> None:
    assert terms_of(text) == Terms(words, fragments)
