"""Type checking functions. All of them are false, not undefined, for a value of another type."""

import math

from ..values import UNDEFINED, Value, integer, is_number
from .registry import builtin

_LARGEST_INTEGER = 2**63


@builtin("IS_ARRAY", "u")
def _is_array(value: Value) -> Value:
    return type(value) is list


@builtin("IS_BOOL", "u")
def _is_bool(value: Value) -> Value:
    return type(value) is bool


@builtin("IS_DEFINED", "u")
def _is_defined(value: Value) -> Value:
    return value is not UNDEFINED


@builtin("IS_NULL", "u")
def _is_null(value: Value) -> Value:
    return value is None


@builtin("IS_NUMBER", "u")
def _is_number(value: Value) -> Value:
    return is_number(value)


@builtin("IS_FINITE_NUMBER", "u")
def _is_finite_number(value: Value) -> Value:
    return is_number(value) and math.isfinite(value)


@builtin("IS_INTEGER", "u")
def _is_integer(value: Value) -> Value:
    whole = integer(value)
    return whole is not None and -_LARGEST_INTEGER <= whole < _LARGEST_INTEGER


@builtin("IS_OBJECT", "u")
def _is_object(value: Value) -> Value:
    return type(value) is dict


@builtin("IS_STRING", "u")
def _is_string(value: Value) -> Value:
    return type(value) is str


@builtin("IS_PRIMITIVE", "u")
def _is_primitive(value: Value) -> Value:
    return value is None or type(value) in (bool, int, float, str)
