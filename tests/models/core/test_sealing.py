"""Values that are stored encrypted: opened in their place by their key alone."""

from __future__ import annotations

import base64

import pytest

from models.core.sealing import RANDOM_BYTES, FieldKeys, Sealed, Unsealable, place, rewrapped, seal, unseal

KEYS = FieldKeys({"2025": "a" * 32, "2026": "b" * 32})
HERE = place("users", "alice", "connection-1", "api_key")
RANDOM = bytes(range(RANDOM_BYTES))


@pytest.mark.parametrize("value", ["sk-1234", "", "ключ 🔑", "x" * 4096])
def test_what_is_sealed_opens_in_its_place(value: str) -> None:
    sealed = seal(value, HERE, KEYS, RANDOM)
    assert unseal(sealed, HERE, KEYS) == value
    assert sealed.key_id == "2026"
    assert not value or value not in sealed.model_dump_json()


def test_the_same_value_looks_different_each_time() -> None:
    other = seal("sk-1234", HERE, KEYS, RANDOM[::-1])
    one = seal("sk-1234", HERE, KEYS, RANDOM)
    assert not {one.data_key, one.nonce, one.ciphertext} & {other.data_key, other.nonce, other.ciphertext}


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("user_sessions", "alice", "connection-1", "api_key"),
        place("users", "bob", "connection-1", "api_key"),
        place("users", "alice", "connection-2", "api_key"),
        place("users", "alice", "connection-1", "password"),
        place("users", "alic", "econnection-1", "api_key"),
    ],
)
def test_nowhere_else(elsewhere: bytes) -> None:
    with pytest.raises(Unsealable):
        unseal(seal("sk-1234", HERE, KEYS, RANDOM), elsewhere, KEYS)


@pytest.mark.parametrize("field", ["data_key", "nonce", "ciphertext"])
def test_not_if_a_bit_of_it_has_changed(field: str) -> None:
    sealed = seal("sk-1234", HERE, KEYS, RANDOM)
    data = base64.b64decode(getattr(sealed, field))
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unsealable):
            unseal(sealed.model_copy(update={field: base64.b64encode(changed).decode()}), HERE, KEYS)


@pytest.mark.parametrize(
    "changes", [{"key_id": "2025"}, {"key_id": "2027"}, {"data_key": "?"}, {"nonce": ""}, {"ciphertext": "AA=="}]
)
def test_not_with_another_key_or_with_what_is_none(changes: dict[str, str]) -> None:
    sealed = seal("sk-1234", HERE, KEYS, RANDOM)
    with pytest.raises(Unsealable):
        unseal(Sealed.model_validate(sealed.model_dump() | changes), HERE, KEYS)
    with pytest.raises(Unsealable):
        unseal(sealed, HERE, FieldKeys({"2026": "c" * 32}))


def test_a_key_is_given_up_once_what_it_wraps_is_rewrapped() -> None:
    before = seal("sk-1234", HERE, FieldKeys({"2025": "a" * 32}), RANDOM)
    after = rewrapped(before, KEYS)
    assert (before.key_id, after.key_id, after.ciphertext) == ("2025", "2026", before.ciphertext)
    assert unseal(before, HERE, KEYS) == unseal(after, HERE, FieldKeys({"2026": "b" * 32})) == "sk-1234"
    with pytest.raises(Unsealable, match="has no key 2025"):
        unseal(before, HERE, FieldKeys({"2026": "b" * 32}))
    with pytest.raises(Unsealable):
        rewrapped(before, FieldKeys({"2025": "z" * 32, "2026": "b" * 32}))


def test_a_value_takes_all_its_random_bytes() -> None:
    with pytest.raises(ValueError, match="44 random bytes"):
        seal("sk-1234", HERE, KEYS, RANDOM[1:])
