"""JSON as it comes in, with its numbers as the service keeps them: doubles, which have no fraction if it is zero."""

import re
from typing import Any

import orjson

from local.cosmosdb.query.values import number

_CANDIDATE = re.compile(rb"[:,\[]\s*-?(?:\d{16}|\d+\.0+\b|\d+(?:\.\d+)?[eE])")
"""A number of 16 digits or more, or one like 2.0 or 1e3: any other is the same as a double."""


def loads(body: bytes) -> Any:
    """Raises orjson.JSONDecodeError."""
    parsed = orjson.loads(body)
    return as_doubles(parsed) if _CANDIDATE.search(body) else parsed


def as_doubles(value: Any) -> Any:
    """A JSON value with all its numbers as doubles: 9007199254740993 becomes 9007199254740992, and 2.0 is 2."""
    kind = type(value)
    if kind is int or kind is float:
        return number(value)
    if kind is dict:
        return {name: as_doubles(inner) for name, inner in value.items()}
    if kind is list:
        return [as_doubles(inner) for inner in value]
    return value
