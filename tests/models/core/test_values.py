"""The value types that documents and messages share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.core.values import Day, LanguageTag, Timestamp, format_timestamp


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_the_order_of_texts_is_the_order_of_times(one: datetime, other: datetime) -> None:
    assert (format_timestamp(one) < format_timestamp(other)) == (one < other)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_survives_being_stored_and_read(moment: datetime) -> None:
    assert TypeAdapter(Timestamp).validate_python(format_timestamp(moment)) == moment


def test_a_timestamp_is_stored_in_utc() -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert format_timestamp(datetime(2026, 11, 20, 5, 30, tzinfo=kolkata)) == "2026-11-20T00:00:00.000000Z"


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T09:30:00", "20261120T093000Z", "1790000000", "now"])
def test_a_timestamp_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Timestamp).validate_python(text)


def test_a_day_is_a_day() -> None:
    assert TypeAdapter(Day).validate_python("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-1-1", "20260101", "2026-01-01T00:00Z", "1969-12-31", "2200-01-01"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Day).validate_python(text)


@pytest.mark.parametrize(("tag", "valid"), [("en", True), ("pt-BR", True), ("zh-Hant-TW", True), ("english", False)])
def test_a_language_is_named_by_its_tag(tag: Any, valid: bool) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(LanguageTag)
    if valid:
        assert adapter.validate_python(tag) == tag
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(tag)
