"""Conditions of queries that look for words in texts."""

from __future__ import annotations

from collections.abc import Sequence

from models.core.search import Terms


def containing(terms: Terms, fields: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Conditions under which each term occurs in one of the fields of the document `c`, and their parameters.

    The fields have full-text indexes: words are asked of these, fragments of the texts themselves.
    """
    words = {f"word{number}": word for number, word in enumerate(terms.words)}
    fragments = {f"fragment{number}": fragment for number, fragment in enumerate(terms.fragments)}
    calls = [[f"FullTextContains(c.{field}, @{name})" for field in fields] for name in words]
    calls += [[f"CONTAINS(c.{field}, @{name}, true)" for field in fields] for name in fragments]
    return [f"({' OR '.join(alternatives)})" for alternatives in calls], words | fragments
