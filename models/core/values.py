"""The value types that documents and messages share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from models.core.zones import nearest_zone


def format_timestamp(moment: datetime) -> str:
    """An instant as documents store it: UTC, always with microseconds and `Z`, so that text order is time order."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _parse_day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value if _DAY.fullmatch(value) else "")
    except ValueError:
        raise ValueError("must be a day, like 2026-11-20") from None


Day = Annotated[
    date,
    BeforeValidator(_parse_day),
    Field(ge=date(1970, 1, 1), lt=date(2200, 1, 1)),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-20"]}),
]
"""A calendar day, as text `YYYY-MM-DD`. Its schema has no words for the first and the last."""

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})")


def _parse_timestamp(value: Any) -> Any:
    if isinstance(value, str):
        if not _RFC3339.fullmatch(value):
            raise ValueError("must be a date and time with an offset, like 2026-11-20T09:30:00Z")
        value = datetime.fromisoformat(value.upper())
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("must carry its offset from UTC, like 2026-11-20T09:30:00Z")
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("must lie between the years 1 and 9999 in UTC") from error
    return value


Timestamp = Annotated[
    datetime,
    BeforeValidator(_parse_timestamp),
    PlainSerializer(format_timestamp, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T09:30:00.000000Z"]}),
]


def _zone(name: str) -> str:
    zone = nearest_zone(name)
    if zone is None:
        raise ValueError(f"{name!r} is not an IANA time zone, like Asia/Kolkata")
    return zone


TimeZone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_zone),
    WithJsonSchema({"type": "string", "format": "iana-time-zone", "examples": ["Asia/Kolkata"]}),
]
"""An IANA time zone; other spellings of one are taken for it."""

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""BCP 47, such as `en` or `pt-BR`."""


def language_tag(text: str) -> str | None:
    """The BCP 47 tag that is meant by a locale's name such as `en_US.UTF-8`; None if there is none in it."""
    tag = re.split(r"[.@;,\s]", text.strip(), maxsplit=1)[0].replace("_", "-").strip("-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else None


Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
NotBlank = Field(json_schema_extra={"pattern": r"[^\s\x85]"})
"""For texts that are stripped and may not be empty then: their schema says so, too."""

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), NotBlank]
"""A short name that turns are counted by: a personality, a category, a model, a tag."""

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=512), NotBlank]
"""A source or citation: a title, a URL, a canonical reference."""

MOST = 2**53 - 1
"""The largest whole number that survives JSON, where numbers are doubles."""

Count = Annotated[int, Field(ge=0, le=MOST)]
"""A whole number that survives JSON."""


def saturated(value: Any) -> Any:
    """A number as a sum holds it: no further from 0 than `MOST`. Those beyond come from JSON as whole doubles."""
    if isinstance(value, float) and (value.is_integer() or abs(value) > MOST):
        value = max(-MOST, min(MOST, value))
        return int(value)
    return max(-MOST, min(MOST, value)) if type(value) is int else value


Saturated = Annotated[
    Annotated[int, Field(ge=-MOST, le=MOST)] | Annotated[int, BeforeValidator(saturated)],
    Field(union_mode="left_to_right"),
    WithJsonSchema({"type": "integer"}),
]
"""A sum, or a difference, as it is stored. Nearly all are as they should be, and there are hundreds in a document: only
what is not goes the slow way."""

Total = Annotated[
    Count | Annotated[int, Field(ge=0, le=MOST), BeforeValidator(saturated)],
    Field(union_mode="left_to_right"),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST}),
]
"""A `Count` that is a sum. One that has grown beyond is read as the largest: what holds it can still be read."""
