"""Inline constraints of route templates: `{id:int}`, `{code:length(3,5)}`, `{slug:regex(^a-z$)}`.

The set and its limits are those of ASP.NET Core's `DefaultInlineConstraintResolver`, with the invariant culture.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from local.functions.dates import is_datetime

Constraint = Callable[[str], bool]
"""Tells whether a path segment satisfies the constraint."""

_WHITE = r"[\t\n\v\f\r ]*"
_INTEGER = re.compile(rf"{_WHITE}[+-]?\d+{_WHITE}", re.ASCII)
_DECIMAL = re.compile(rf"{_WHITE}[+-]?(\d[\d,]*\.?\d*|\.\d+){_WHITE}[+-]?{_WHITE}", re.ASCII)
_FLOAT = re.compile(
    rf"{_WHITE}(?:[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:infinity|nan)){_WHITE}", re.ASCII | re.IGNORECASE
)
_HEX = "[0-9a-fA-F]"
_DASHED = rf"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_GUID = re.compile(rf"{_WHITE}(?:{_HEX}{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)){_WHITE}")
_LARGEST_DECIMAL = 2**96
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


def _is_decimal(value: str) -> bool:
    if _DECIMAL.fullmatch(value) is None or len(re.findall(r"[+-]", value)) > 1:
        return False
    return abs(Decimal(re.sub(r"[^\d.]", "", value))) < _LARGEST_DECIMAL


def _length(least: int, most: int | None = None) -> Constraint:
    return lambda value: least <= _units(value) <= (least if most is None else most)


def _units(value: str) -> int:
    """The length of a .NET string: characters outside the Basic Multilingual Plane are two."""
    return len(value.encode("utf-16-le")) // 2


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
    name = value.rpartition("/")[2]
    return "." in name and not name.endswith(".")


_PLAIN: dict[str, Constraint] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda value: value.strip().lower() in {"true", "false"},
    "guid": lambda value: _GUID.fullmatch(value) is not None,
    "datetime": is_datetime,
    "decimal": _is_decimal,
    "double": lambda value: _FLOAT.fullmatch(value) is not None,
    "float": lambda value: _FLOAT.fullmatch(value) is not None,
    "alpha": lambda value: _ALPHA.fullmatch(value) is not None,
    "required": lambda value: value != "",
    "file": _has_extension,
    "nonfile": lambda value: not _has_extension(value),
}
_NUMERIC: dict[str, Callable[..., Constraint]] = {
    "minlength": lambda least: lambda value: _units(value) >= least,
    "maxlength": lambda most: lambda value: _units(value) <= most,
    "length": _length,
    "min": lambda least: _range(least, 2**63 - 1),
    "max": lambda most: _range(-(2**63), most),
    "range": _range,
}
