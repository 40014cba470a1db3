"""Inline constraints of route templates: `{id:int}`, `{code:length(3,5)}`, `{slug:regex(^a-z$)}`.

The set and its limits are those of ASP.NET Core's `DefaultInlineConstraintResolver`.
"""

import re
import uuid
from collections.abc import Callable
from datetime import datetime

Constraint = Callable[[str], bool]
"""Tells whether a path segment satisfies the constraint."""

_INTEGER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*[+-]?(\d[\d,]*\.?\d*|\.\d+)\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_ALPHA = re.compile(r"[a-z]*", re.ASCII | re.IGNORECASE)
_CALL = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?", re.DOTALL)


def parse_constraint(text: str) -> Constraint:
    """The constraint that `text` describes, without its colon; raises `ValueError` for an unknown or malformed one."""
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError(f"the constraint '{text}' is malformed")
    name, arguments = match["name"].lower(), match["arguments"]
    if arguments is None:
        if name not in _PLAIN:
            raise ValueError(f"the constraint reference '{name}' could not be resolved")
        return _PLAIN[name]
    if name == "regex":
        return _regex(arguments)
    if name not in _NUMERIC:
        raise ValueError(f"the constraint reference '{name}' could not be resolved")
    try:
        numbers = [int(argument) for argument in arguments.split(",")]
        return _NUMERIC[name](*numbers)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the arguments of the constraint '{text}' are wrong") from error


def _integer(bits: int) -> Constraint:
    limit = 2 ** (bits - 1)
    return lambda value: _INTEGER.fullmatch(value) is not None and -limit <= int(value) < limit


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return not value.startswith("urn:")


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _length(least: int, most: int | None = None) -> Constraint:
    return lambda value: least <= len(value) <= (least if most is None else most)


def _range(least: int, most: int) -> Constraint:
    is_long = _integer(64)
    return lambda value: is_long(value) and least <= int(value) <= most


def _regex(pattern: str) -> Constraint:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"the constraint regex({pattern}) is malformed: {error}") from error
    return lambda value: compiled.search(value) is not None


def _has_extension(value: str) -> bool:
    return "." in value.rpartition("/")[2].removesuffix(".")


_PLAIN: dict[str, Constraint] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda value: value.strip().lower() in {"true", "false"},
    "guid": _is_guid,
    "datetime": _is_datetime,
    "decimal": lambda value: _DECIMAL.fullmatch(value) is not None,
    "double": lambda value: _FLOAT.fullmatch(value) is not None,
    "float": lambda value: _FLOAT.fullmatch(value) is not None,
    "alpha": lambda value: _ALPHA.fullmatch(value) is not None,
    "required": lambda value: value != "",
    "file": _has_extension,
    "nonfile": lambda value: not _has_extension(value),
}
_NUMERIC: dict[str, Callable[..., Constraint]] = {
    "minlength": lambda least: lambda value: len(value) >= least,
    "maxlength": lambda most: lambda value: len(value) <= most,
    "length": _length,
    "min": lambda least: _range(least, 2**63 - 1),
    "max": lambda most: _range(-(2**63), most),
    "range": _range,
}
