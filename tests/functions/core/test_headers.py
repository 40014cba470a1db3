"""Texts in headers."""

from __future__ import annotations

import pytest

from functions.core.headers import text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("A plain reason", "A plain reason"),
        ("शिकायत №7".encode().decode("latin-1"), "शिकायत №7"),
        ("शिकायत №7", "शिकायत №7"),
        ("Beschwerde über Müll", "Beschwerde über Müll"),
        ("UTF-8''%e2%82%ac%20rates", "€ rates"),
        ("utf-8''plain", "plain"),
        ("UTF-8''%ff", "UTF-8''%ff"),
        ("100%25", "100%25"),
        ("", ""),
    ],
)
def test_a_text_is_read_however_it_was_written(value: str, text: str) -> None:
    assert text_of(value) == text
