"""What is kept of a question's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.risk.text import Signal, normalised, question_hash, signals_of, similarity, sketch, sketch_bytes


@pytest.mark.parametrize(
    "variant",
    [
        "  What is wisdom?  ",
        "WHAT IS WISDOM?",
        "What is wisdom??",
        "What is wisdom? 17",
        "What  is\twisdom",
        "Ｗhat is wisdom？",
        "what is wisdom (3)",
        "What is wisdom #12",
    ],
)
def test_idle_variations_are_the_same_question(variant: str) -> None:
    assert question_hash(variant) == question_hash("What is wisdom?")


def test_a_number_within_the_question_is_part_of_it() -> None:
    assert question_hash("What is 7 x 8?") != question_hash("What is 7 x 9?")
    assert normalised("In 1066, what happened?") == "in 1066 what happened"


def _alike(left: str, right: str) -> float:
    return similarity(sketch_bytes(sketch(left)), sketch_bytes(sketch(right)))


def test_sketches_estimate_how_similar_texts_are() -> None:
    text = "What is the name of the property that designates a number as being prime or not?"
    assert _alike(text, text + " please") > 0.8
    assert _alike(text, "Who was the first emperor of the Holy Roman Empire, and when was he crowned?") < 0.2


def test_links_are_alike_wherever_they_lead() -> None:
    left, right = ("Buy followers at http://" + site + " now" for site in ("fast52.example/promo", "grow7.example/x"))
    assert _alike(left, right) == 1.0


@given(st.text())
def test_any_text_has_a_sketch_and_is_like_itself(text: str) -> None:
    assert _alike(text, text) == 1.0
    assert len(sketch_bytes(sketch(text))) == 32


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("see https://shop.example/x", Signal.LINK),
        ("go to www.spin.example today", Signal.LINK),
        ("it is at shop.xyz/sale", Signal.LINK),
        ("hxxp://shop.example", Signal.LINK),
        ("write me on Telegram", Signal.CONTACT),
        ("call +44 7700 900123", Signal.CONTACT),
        ("mail bob@shop.example", Signal.CONTACT),
        ("only $5", Signal.MONEY),
        ("20% more", Signal.MONEY),
        ("last chance!!!", Signal.SHOUT),
        ("LAST chance EVER", Signal.SHOUT),
        ("what is wisdom", Signal.REQUEST),
        ("Please summarise this", Signal.REQUEST),
        ("this is wisdom, isn't it?", Signal.REQUEST),
    ],
)
def test_what_stands_out_is_noticed(text: str, signal: Signal) -> None:
    assert signals_of(text)[0] & signal


def test_a_plain_statement_has_no_signals() -> None:
    assert signals_of("I have been reading about the rivers of Europe. They are long.") == (Signal.NONE, 0)


def test_what_is_quoted_does_not_speak_for_its_author() -> None:
    signals, words = signals_of("""Is this spam? "Win a FREE prize now!!! Click http://prize.example" """)
    assert signals == Signal.REQUEST
    assert words == 0


def test_a_question_that_its_author_answers_is_no_request() -> None:
    signals, words = signals_of("Need cash fast? Instant loans for everybody, click http://loans.example")
    assert signals & Signal.LINK
    assert not signals & Signal.REQUEST
    assert words >= 4


def test_advertising_is_recognised_in_other_spellings_and_languages() -> None:
    assert signals_of("fr33 cas1no b0nus")[1] == 3
    assert signals_of("Купи подписчиков дешево")[1] == 3
    assert signals_of("限时优惠，点击")[1] == 3


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    signals_of(text)
    assert normalised(normalised(text)) is not None


@pytest.mark.parametrize(
    "unit", ["a", "a-", "? ", "? a", "! 1", "'a ", "ABCD ", "'", "a.", "+1 ", "a@", "$1", "«", "x" * 70 + " dot "]
)
def test_hostile_texts_take_no_more_than_their_length(unit: str) -> None:
    signals_of(unit * 100_000)
    assert len(normalised(unit * 100_000)) <= 4_000
