"""The nearest valid form: each repair, what falls back, and what is refused."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from models.core.document import Message
from models.core.nearest import (
    MAX_NAMED,
    NO_GUESS,
    Adjusted,
    instead,
    instead_of_null,
    keep_first,
    nearest,
    rounded,
    shorten,
    spelled,
    text_of_parts,
    within,
)

ShortText = Annotated[str, Field(min_length=1, max_length=4)]


class Part(Message):
    needed: int
    zone: ShortText | None = None


class Whole(Message):
    text: Annotated[str, shorten(5), instead_of_null(""), text_of_parts()] = Field(max_length=5)
    count: Annotated[int, rounded()] = Field(ge=0)
    exact: Annotated[int, instead_of_null(0), NO_GUESS] = Field(default=0, ge=0)
    share: Annotated[float, within(0, 1)] = Field(default=1.0, ge=0, le=1)
    names: Annotated[list[ShortText], Field(max_length=2), keep_first(2, ShortText, 4)] = Field(default_factory=list)
    case: Annotated[str, spelled(str.lower)] = Field(default="", pattern="^[a-z]*$")
    secret: Annotated[bool, instead(True, "not a boolean")] = False
    plain: bool = False
    part: Part | None = None


def read(**changes: Any) -> tuple[Whole, Adjusted]:
    adjusted: Adjusted = {}
    return nearest(Whole, {"text": "a", "count": 1} | changes, adjusted), adjusted


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("text", "abcdefg", "abcde"),
        ("text", None, ""),
        ("text", [{"type": "text", "text": "ab"}, {"type": "image_url"}, "c"], "ab\nc"),
        ("text", {"type": "image_url"}, ""),
        ("text", 42, "42"),
        ("text", "a\ud83d", "a\ufffd"),
        ("text", "\ud83d\ude00", "😀"),
        ("count", "12", 12),
        ("count", 12.0, 12),
        ("exact", None, 0),
        ("share", 1.5, 1.0),
        ("share", -3, 0.0),
        ("share", "much", 1.0),
        ("share", float("nan"), 1.0),
        ("names", ["a", "", "abcdef", 7, "b"], ["a", "abcd"]),
        ("names", "a", []),
        ("names", None, []),
        ("case", "ABC", "abc"),
        ("case", "A-B", ""),
        ("secret", "no", True),
        ("plain", "yes", False),
    ],
)
def test_a_field_is_brought_into_its_nearest_valid_form_and_named(field: str, sent: Any, kept: Any) -> None:
    whole, adjusted = read(**{field: sent})
    assert getattr(whole, field) == kept
    assert list(adjusted) == [field]
    assert adjusted[field]


def test_what_is_valid_is_not_touched() -> None:
    assert read(names=["a"], share=0.5, part={"needed": 1})[1] == {}


def test_what_is_unknown_is_left_out_and_named_up_to_a_bound() -> None:
    _, adjusted = read(colour="blue", **{f"x{number}": 1 for number in range(100)})
    assert adjusted["colour"] == "unknown, left out"
    assert len(adjusted) == MAX_NAMED + 1
    assert "69 more" in adjusted["…"]


def test_a_part_is_mended_within_and_named_by_its_path() -> None:
    whole, adjusted = read(part={"needed": 1, "zone": "too long", "other": 2})
    assert whole.part == Part(needed=1)
    assert adjusted.keys() == {"part.zone", "part.other"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"count": -1}, {"count"}),
        ({"count": "many"}, {"count"}),
        ({"count": True}, {"count"}),
        ({"exact": -1, "text": "abcdefg", "colour": 1}, {"exact"}),
        ({"exact": 1.5}, {"exact"}),
        ({"count": None, "share": 7}, {"count"}),
    ],
)
def test_only_what_can_not_be_mended_is_refused(changes: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        read(**changes)
    assert {str(part["loc"][0]) for part in refusal.value.errors()} == fields


@pytest.mark.parametrize("content", [None, 7, "text", [], [{}]])
def test_what_is_no_object_is_refused(content: Any) -> None:
    with pytest.raises(ValidationError):
        nearest(Whole, content, {})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*Whole.model_fields, "other"]), anything))
def test_whatever_comes_is_valid_or_refused(content: dict[str, Any]) -> None:
    try:
        whole = nearest(Whole, {"text": "a", "count": 1} | content, {})
    except ValidationError:
        return
    assert Whole.model_validate_json(whole.model_dump_json()) == whole
