"""Looks through documents for what would lead back to a user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bench.recount.traffic import Recount

TELLING_LENGTH = 10
"""Shorter questions are looked for only where they are all of a text: `hi` is a language, too."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"[0-9a-f]{12,}")


class Leak(NamedTuple):
    """What was found, and the text that it was found in."""

    what: str
    text: str


def leaks(documents: Iterable[Any], identifiers: Sequence[str], recount: Recount) -> list[Leak]:
    """Identifiers, e-mail addresses and names of users, their sessions and turns, and questions of fewer than three.

    Args:
        identifiers: Of users, UUIDs, as the documents about them give them.
        recount: Of the traffic that the documents come from.
    """
    texts = {text for document in documents for text in _texts(document)}
    people = {asked.turn.user for asked in recount.asked}
    names = {value for person in people for value in (person.email, person.name, person.given_name) if value}
    ids = {value for asked in recount.asked for value in (asked.turn.id, asked.turn.session_id)} | set(identifiers)
    everything = "\n".join(texts)
    found = [Leak(text, text) for text in texts & names]
    found += [Leak(value, "an id") for value in ids & set(_UUID.findall(everything))]
    found += [Leak(value, "a text") for value in names if len(value) >= TELLING_LENGTH and value in everything]
    return found + _rare_questions(texts, recount)


def _rare_questions(texts: set[str], recount: Recount) -> list[Leak]:
    common = recount.common_questions
    readable = {_HASH.sub("", text) for text in texts} - {text[:500] for text in common}
    everything = "\n".join(readable)
    rare: dict[str, set[str]] = {text: set() for text in recount.questions.keys() - common.keys()}
    for asked in recount.asked:
        if asked.question in rare:
            rare[asked.question] |= {asked.question[:500], asked.turn.body["user_query"]}
    return [
        Leak(form, "a text that is not a common question")
        for forms in rare.values()
        for form in forms
        if len(form) >= TELLING_LENGTH and form in everything
    ]


def _texts(value: object) -> Iterator[str]:
    """All names and strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
