"""Edits as merge patches."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.core.changes import Changes, merged


class Colours(Changes):
    wall: str | None = None
    floor: str | None = None


def test_what_is_absent_stays_and_null_clears() -> None:
    assert Colours.model_validate({"wall": None}).given() == {"wall": None}


def test_an_edit_changes_something() -> None:
    with pytest.raises(ValidationError, match="at least one field"):
        Colours.model_validate({})


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": None}}, {"a": {"b": 3}}),
        ({"a": 1}, {"a": {"b": None, "c": {"d": None}}}, {"a": {"c": {}}}),
        ({}, {"a": None}, {}),
        ({"a": [None]}, {"b": [None]}, {"a": [None], "b": [None]}),
        ([1], {"a": 1}, {"a": 1}),
        ({"a": 1}, "text", "text"),
    ],
)
def test_a_merge_patch_is_applied_as_rfc_7386_says(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_what_is_patched_is_left_as_it_was() -> None:
    target = {"a": {"b": 1}}
    merged(target, {"a": {"b": 2}})
    assert target == {"a": {"b": 1}}
