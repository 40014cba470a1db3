"""Texts that look like a moment, in the one form that they are counted in.

The Functions host rewrites such texts in what the change feed trigger delivers, also where people typed them: without
the zeros at the end of a fraction, in another offset, `/Date(1)/` as ISO. What is counted from the feed and what is
counted from the database itself, when it is rebuilt or compared, must be the same.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9:.Zz+\-]{0,21}")
_TICKS = re.compile(r"/Date\((-?\d+)(?:[+\-]\d{2}(?:\d{2})?)?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_one_form(value: Any) -> Any:
    """A stored document, or a part of it, with its texts that look like a moment in UTC, as ISO 8601."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {name: in_one_form(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [in_one_form(entry) for entry in value]
    return value


def _text(text: str) -> str:
    try:
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text.upper())
            return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
        ticks = _TICKS.fullmatch(text)
        return text if ticks is None else (_EPOCH + timedelta(milliseconds=int(ticks[1]))).isoformat()
    except (ValueError, OverflowError):
        return text
