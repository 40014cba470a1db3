from __future__ import annotations

import json

import pytest

from local.functions.json_dates import rewrite_dates


@pytest.mark.parametrize(
    ("stored", "delivered"),
    [
        ("2026-11-30T10:00:00.500000Z", "2026-11-30T10:00:00.5Z"),
        ("2026-11-30T10:00:00.000000Z", "2026-11-30T10:00:00Z"),
        ("2026-11-30T10:00:00.1234567z", "2026-11-30T10:00:00.1234567Z"),
        ("2026-11-30T10:00:00+02:00", "2026-11-30T08:00:00+00:00"),
        ("2026-11-30T23:30:00.250-0130", "2026-12-01T01:00:00.25+00:00"),
        ("2026-11-30T10:00:00+02", "2026-11-30T08:00:00+00:00"),
        ("2026-11-30T10:00:00.10", "2026-11-30T10:00:00.1"),
        ("2026-11-30T24:00:00", "2026-12-01T00:00:00"),
        ("/Date(1)/", "1970-01-01T00:00:00.001Z"),
        ("/Date(1000+0200)/", "1970-01-01T00:00:01+00:00"),
    ],
)
def test_what_looks_like_a_date_is_rewritten(stored: str, delivered: str) -> None:
    document = {"at": stored, "nested": [{"text": stored}], stored: 1}
    rewritten = json.loads(rewrite_dates(json.dumps(document)))
    assert rewritten == {"at": delivered, "nested": [{"text": delivered}], stored: 1}
    assert rewrite_dates(json.dumps(rewritten)) == json.dumps(rewritten)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30",
        "2026-11-30T10:00",
        "2026-11-30 10:00:00Z",
        "2026-13-30T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-11-30T10:60:00Z",
        "2026-11-30T10:00:00.12345678Z",
        "2026-11-30T10:00:00.Z",
        " 2026-11-30T10:00:00.0Z",
        "at 2026-11-30T10:00:00.0Z",
        'he said "2026-11-30T10:00:00.0Z',
        '"2026-11-30T10:00:00.0Z"',
        "2026-11-30T10:00:00.0Z\n",
        "/Date(x)/",
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_does_not_is_left_alone(text: str) -> None:
    assert json.loads(rewrite_dates(json.dumps([text]))) == [text]
