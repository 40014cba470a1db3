"""What If-Match says."""

from __future__ import annotations

import pytest

from functions.core.etags import expected_revisions
from functions.core.problems import Problem
from models.core.revisions import ANY_REVISION, Revisions


@pytest.mark.parametrize(
    ("header", "revisions"),
    [
        ('"3"', (3,)),
        ('"3", "4"', (3, 4)),
        (' "3" ,, "4",', (3, 4)),
        ('W/"3"', ()),
        ('W/"3", "4"', (4,)),
        ('"a,b", "12"', (12,)),
        ('"a, "5", "b"', ()),
        ("3", ()),
        ('"3" "4"', ()),
        ('"03"', ()),
        ('"3", *', ()),
    ],
)
def test_of_a_list_each_strong_etag_counts(header: str, revisions: tuple[int, ...]) -> None:
    assert expected_revisions(header) == Revisions.of(*revisions)


def test_a_star_is_any_revision() -> None:
    assert expected_revisions(" * ") == ANY_REVISION
    assert 7 in ANY_REVISION
    assert 7 not in Revisions.of()


@pytest.mark.parametrize("header", [None, ""])
def test_without_it_nothing_is_edited(header: str | None) -> None:
    with pytest.raises(Problem) as raised:
        expected_revisions(header)
    assert raised.value.status == 428
