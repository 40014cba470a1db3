"""Fields that are stored encrypted: what the database, its backups and its feeds hold is of no use without a key.

Each value has a data key of its own (AES-256-GCM), which is wrapped (RFC 3394) by one of the keys of the setting
`FIELD_KEYS`; on Azure that is kept in the key vault. A value is bound to its place: its container, partition, document
and field. Put anywhere else it does not open.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import Field, SecretStr

from models.core.document import Document, Message

DATA_KEY_BYTES, NONCE_BYTES = 32, 12
RANDOM_BYTES = DATA_KEY_BYTES + NONCE_BYTES
"""What sealing one value uses up: a data key and a nonce, each used once."""

Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
"""A secret as a client gives it: neither logged nor shown by accident."""


class Unsealable(Exception):
    """A sealed value does not open: its key is not among those that are given, or it is not what was sealed here."""


class Sealed(Message):
    """A value that is stored encrypted. Everything is base64, but for the name of the key."""

    key_id: str = Field(description="Which of FIELD_KEYS wraps its data key")
    data_key: str = Field(description="Its data key, wrapped: AES key wrap, RFC 3394")
    nonce: str = Field(description="Of AES-256-GCM")
    ciphertext: str = Field(description="The value, and the tag by which it is seen to be whole and in its place")


@dataclass(frozen=True)
class FieldKeys:
    """The keys that wrap data keys, by their names, as FIELD_KEYS has them: the last one seals what is new."""

    secrets: Mapping[str, str]

    @cached_property
    def newest(self) -> str:
        return list(self.secrets)[-1]

    def key(self, key_id: str) -> bytes:
        """
        Raises:
            Unsealable: there is no key of that name.
        """
        if key_id not in self.secrets:
            raise Unsealable(f"FIELD_KEYS has no key {key_id}")
        return hmac.digest(self.secrets[key_id].encode(), b"field secrets", "sha256")


def place_of(document: Document, field: str) -> bytes:
    """Where a value belongs, as what it is authenticated with."""
    return place(document.container, document.partition_key, document.id, field)


def place(container: str, partition: str, document_id: str, field: str) -> bytes:
    parts = (part.encode() for part in (container, partition, document_id, field))
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(value: str, where: bytes, keys: FieldKeys, random: bytes) -> Sealed:
    """A value, sealed with the newest key.

    Args:
        random: `RANDOM_BYTES` of it, for this value alone.
    """
    data_key, nonce = random[:DATA_KEY_BYTES], random[DATA_KEY_BYTES:]
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"needs {RANDOM_BYTES} random bytes")
    return Sealed(
        key_id=keys.newest,
        data_key=_text(aes_key_wrap(keys.key(keys.newest), data_key)),
        nonce=_text(nonce),
        ciphertext=_text(AESGCM(data_key).encrypt(nonce, value.encode(), where)),
    )


def unseal(sealed: Sealed, where: bytes, keys: FieldKeys) -> str:
    """The value.

    Raises:
        Unsealable: the key is another one, or this is not what was sealed there.
    """
    try:
        data_key = aes_key_unwrap(keys.key(sealed.key_id), _bytes(sealed.data_key))
        return AESGCM(data_key).decrypt(_bytes(sealed.nonce), _bytes(sealed.ciphertext), where).decode()
    except (InvalidUnwrap, InvalidTag, ValueError):
        raise Unsealable("it was sealed with another key, in another place, or has been changed") from None


def rewrapped(sealed: Sealed, keys: FieldKeys) -> Sealed:
    """The same with its data key wrapped by the newest key. The value is not looked at.

    Raises:
        Unsealable: the key that it has is not among those that are given.
    """
    try:
        data_key = aes_key_unwrap(keys.key(sealed.key_id), _bytes(sealed.data_key))
    except (InvalidUnwrap, ValueError):
        raise Unsealable("its data key was wrapped with another key, or has been changed") from None
    wrapped = _text(aes_key_wrap(keys.key(keys.newest), data_key))
    return sealed.model_copy(update={"key_id": keys.newest, "data_key": wrapped})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
