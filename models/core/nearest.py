"""The nearest valid form of what a client reports: kept as far as it can be, and said so, instead of refused.

A field says with a `Repair` in its annotation how a value that is not valid becomes one. What has none falls back to
its default. Only what is required and can't be mended makes the whole not valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Model = TypeVar("Model", bound=BaseModel)

Adjusted = dict[str, str]
"""What was changed: the field, like `user_query` or `user.timezone`, and how."""

MAX_NAMED = 32
"""So many unknown fields are named; the rest is counted."""

_MAX_NAME_LENGTH = 64
_MAX_ROUNDS = 8


@dataclass(frozen=True)
class Repair:
    """How a value that is not valid becomes one: `mend` returns the new value and what was done, None if it can't."""

    mend: Callable[[Any], tuple[Any, str] | None]


NO_GUESS = "no guess"
"""In an annotation: what can't be mended is refused, and not left out."""


def instead(value: Any, done: str) -> Repair:
    """Takes whatever is not valid for a value."""
    return Repair(lambda _given: (value, done))


def shorten(longest: int) -> Repair:
    """Keeps the beginning of a text."""

    def mend(value: Any) -> tuple[Any, str] | None:
        if not isinstance(value, str) or len(value) <= longest:
            return None
        return value[:longest], f"shortened from {len(value)} to {longest} characters"

    return Repair(mend)


def instead_of_null(value: Any) -> Repair:
    """Takes null for a value."""
    return Repair(lambda given: (value, "null was sent") if given is None else None)


def text_of_parts() -> Repair:
    """The texts among the parts of a message, as models take it: images and calls of tools have none."""

    def mend(value: Any) -> tuple[Any, str] | None:
        if isinstance(value, (int, float)):
            return str(value), "made a text"
        parts = value if isinstance(value, list) else [value]
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
        return "\n".join(text for text in texts if isinstance(text, str)), "its text parts kept"

    return Repair(mend)


def spelled(mend: Callable[[str], str | None]) -> Repair:
    """Another spelling of a text that has one."""

    def respell(value: Any) -> tuple[Any, str] | None:
        found = mend(value) if isinstance(value, str) else None
        return None if found is None or found == value else (found, f"taken for {found}")

    return Repair(respell)


def within(least: float, most: float) -> Repair:
    """The nearest number in a range."""

    def mend(value: Any) -> tuple[Any, str] | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or least <= value <= most or value != value:
            return None
        bound = min(max(value, least), most)
        return (int(bound) if isinstance(value, int) else bound), f"brought within {least:g} and {most:g}"

    return Repair(mend)


def rounded() -> Repair:
    """A whole number, of one that is written as a fraction or as text."""

    def mend(value: Any) -> tuple[Any, str] | None:
        try:
            number = None if isinstance(value, bool) else int(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
        return None if number is None else (number, "made a whole number")

    return Repair(mend)


def keep_first(most: int, item: Any, longest: int) -> Repair:
    """The first items of a list, without those that are not valid, texts shortened.

    Args:
        item: The type of an item.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(item)

    def mend(value: Any) -> tuple[Any, str] | None:
        if not isinstance(value, list):
            return None
        kept = [mended for one in value if (mended := _valid(adapter, one, longest)) is not None]
        done = [f"{len(kept[:most])} of {len(value)} kept"] if len(kept[:most]) < len(value) else []
        done += ["long ones shortened"] if any(isinstance(one, str) and len(one) > longest for one in value) else []
        return kept[:most], ", ".join(done) or "mended"

    return Repair(mend)


def _valid(adapter: TypeAdapter[Any], value: Any, longest: int) -> Any:
    try:
        return adapter.validate_python(value[:longest] if isinstance(value, str) else value)
    except ValidationError:
        return None


def nearest(model: type[Model], content: Any, adjusted: Adjusted, within_field: str = "") -> Model:
    """`content` as a `model`, mended where it has to be; `adjusted` gets what was changed.

    Raises:
        pydantic.ValidationError: naming only what can't be mended.
    """
    given = _well_formed_fields(content, adjusted, within_field) if isinstance(content, Mapping) else content
    if isinstance(given, dict):
        _mend_parts(model, given, adjusted, within_field)
    for _ in range(_MAX_ROUNDS):
        try:
            return model.model_validate(given)
        except ValidationError as error:
            if not isinstance(given, dict) or not _mended(model, given, error, adjusted, within_field):
                break
    return model.model_validate(given)


def _well_formed_fields(content: Mapping[str, Any], adjusted: Adjusted, prefix: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in content.items():
        mended = well_formed(name)
        fields[mended] = well_formed(value)
        if fields[mended] != value:
            adjusted[prefix + mended] = "half a surrogate pair replaced"
    return fields


def _mend_parts(model: type[BaseModel], given: dict[str, Any], adjusted: Adjusted, prefix: str) -> None:
    """Mends what is a model itself. What can't be mended is found by validating the whole."""
    for name, field in model.model_fields.items():
        parts = [one for one in (field.annotation, *get_args(field.annotation)) if _is_model(one)]
        if parts and isinstance(given.get(name), dict):
            try:
                given[name] = nearest(parts[0], given[name], adjusted, f"{prefix}{name}.")
            except ValidationError:
                continue


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _mended(
    model: type[BaseModel], given: dict[str, Any], error: ValidationError, adjusted: Adjusted, prefix: str
) -> bool:
    """Whether everything that an error names could be changed for the better."""
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    unknown = [str(part["loc"][0]) for part in wrong if part["type"] == "extra_forbidden" and len(part["loc"]) == 1]
    _leave_out(unknown, given, adjusted, prefix)
    if not all(part["loc"] for part in wrong):
        return False  # of the whole, and no field's
    left_out = frozenset(unknown)
    left = {str(part["loc"][0]): part["msg"] for part in reversed(wrong) if part["loc"][0] not in left_out}
    mended = {
        name: _mend(model.model_fields.get(name), name, why, given, adjusted, prefix) for name, why in left.items()
    }
    return all(mended)


def _leave_out(unknown: list[str], given: dict[str, Any], adjusted: Adjusted, prefix: str) -> None:
    for number, name in enumerate(unknown):
        del given[name]
        if number < MAX_NAMED:
            adjusted[f"{prefix}{name[:_MAX_NAME_LENGTH]}"] = "unknown, left out"
    if len(unknown) > MAX_NAMED:
        adjusted[f"{prefix}…"] = f"{len(unknown) - MAX_NAMED} more unknown, left out"


def _mend(
    field: FieldInfo | None, name: str, message: str, given: dict[str, Any], adjusted: Adjusted, prefix: str
) -> bool:
    if field is None or name not in given:
        return False
    for repair in (part for part in field.metadata if isinstance(part, Repair)):
        mended = repair.mend(given[name])
        if mended is not None and (mended[0] != given[name] or type(mended[0]) is not type(given[name])):
            given[name], adjusted[prefix + name] = mended
            return True
    if field.is_required() or NO_GUESS in field.metadata:
        return False
    del given[name]
    adjusted[prefix + name] = f"left out: {message}"
    return True


def well_formed(content: Any) -> Any:
    """A copy of `content` without halves of surrogate pairs: they stand for no character, and no UTF-8 has them."""
    if isinstance(content, str):
        return content if content.isascii() else content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(content, Mapping):
        return {well_formed(str(name)): well_formed(value) for name, value in content.items()}
    return [well_formed(one) for one in content] if isinstance(content, list) else content
