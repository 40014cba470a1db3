"""Keys for different purposes, from one secret."""

from __future__ import annotations

from typing import get_args

from models.core.subkeys import Purpose, subkey


def test_each_purpose_has_a_key_of_its_own_and_none_is_the_secret() -> None:
    keys = {purpose: subkey(b"a secret", purpose) for purpose in get_args(Purpose)}
    assert len({*keys.values(), b"a secret"}) == len(keys) + 1
    assert {len(key) for key in keys.values()} == {32}


def test_a_purpose_has_another_key_with_another_secret() -> None:
    assert subkey(b"a secret", "texts") != subkey(b"another secret", "texts")
