"""Who somebody is, by the claims of their token. Directories hold what they like, and nobody is locked out for that."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.core.identity import Email, Person

ADDRESS_CLAIMS = ("email", "preferred_username")
"""In this order. The second may as well be a telephone number or a name: then there is no address."""

NAME_CHARACTERS = 256
PART_CHARACTERS = 128
UNNAMED = "Unnamed"

_ADDRESS = TypeAdapter(Email)
_NOT_TEXT = ("Cc", "Cs")
"""Control characters, and halves of surrogate pairs, which can't be stored."""


def person_of(claims: Mapping[str, Any]) -> Person:
    """The person a delegated token speaks for. Only `tid` and `oid` must be right; the rest describes.

    Raises:
        ValueError: one of them is not a GUID.
    """
    given, family = (_text(claims.get(name), PART_CHARACTERS) for name in ("given_name", "family_name"))
    email = address_of(claims)
    name = (
        _text(claims.get("name"), NAME_CHARACTERS)
        or _text(claims.get("preferred_username"), NAME_CHARACTERS)
        or " ".join(part for part in (given, family) if part)
        or (email or "")[:NAME_CHARACTERS]
        or UNNAMED
    )
    return Person(
        tenant_id=_guid(claims.get("tid")),
        auth_id=_guid(claims.get("oid")),
        email=email,
        name=name[:NAME_CHARACTERS],
        given_name=given,
        family_name=family,
    )


def address_of(claims: Mapping[str, Any]) -> str | None:
    """The first claim that is an email address, None if none is."""
    for name in ADDRESS_CLAIMS:
        try:
            return _ADDRESS.validate_python(claims.get(name), strict=True)
        except ValidationError:
            continue
    return None


def _text(value: Any, most: int) -> str | None:
    """A claim as it can be kept and shown: one line of at most so many characters; None if nothing is left."""
    if not isinstance(value, str):
        return None
    plain = "".join(" " if unicodedata.category(character) in _NOT_TEXT else character for character in value)
    return " ".join(plain.split())[:most].strip() or None


def _guid(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a GUID")
    return str(uuid.UUID(value))
