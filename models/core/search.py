"""What to look for in the user's own questions, from the words that they type."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

MAX_TERMS = 10

_FUNCTION_WORDS = (
    "a about above after again all also am an and any are as at be because been before being below between both but by "
    "can could did do does doing down during each few for from further had has have having he her here hers him his "
    "how i if in into is it its just me more most my no nor not now of off on once only or other our out over own same "
    "she should so some such than that the their them then there these they this those through to too under until up "
    "us very was we were what when where which while who whom why will with would you your"
)
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that say little. The full-text index leaves out words like these, and a search for one that it leaves
out finds nothing (azure-cosmos-dotnet-v3, issue 5943). Which they are is not documented, so these are rather many."""

_LATIN_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+")
_MARKS = "\"'`.,;:!?()[]{}<>«»“”‘’¿¡…"


@dataclass(frozen=True)
class Terms:
    """Each must occur in the text.

    Attributes:
        words: Found by the full-text index, which knows words in all their forms.
        fragments: Found as they stand, anywhere in the text, in any case.
    """

    words: tuple[str, ...]
    fragments: tuple[str, ...]


NO_TERMS = Terms((), ())


def terms_of(text: str) -> Terms:
    """The terms in what the user typed, without repetition.

    The full-text index splits texts where words of an alphabet end, and knows the endings of English. So plain words
    in Latin letters are left to it. What it can't tell apart is looked for as it stands: scripts without spaces or
    with combining marks, and terms with marks in them, like `C++` or `state-of-the-art`. Words that say little are left
    out, and so is mere punctuation, unless there is nothing else.
    """
    words, fragments, rest = dict[str, None](), dict[str, None](), dict[str, None]()
    for term in text.split():
        bare = term.strip(_MARKS)
        if _is_punctuation(bare):
            rest[term] = None
        elif not _LATIN_WORD.fullmatch(bare):
            fragments[bare] = None
        elif bare.casefold() in _STOP_WORDS:
            rest[bare.casefold()] = None
        else:
            words[bare.casefold()] = None
    if words or fragments:
        return Terms(tuple(words), tuple(fragments))
    return Terms((), tuple(rest))


def _is_punctuation(term: str) -> bool:
    return all(unicodedata.category(character).startswith("P") for character in term)


def _has_terms(text: str) -> str:
    if not 0 < len(text.split()) <= MAX_TERMS:
        raise ValueError(f"must have 1 to {MAX_TERMS} words")
    return text


SearchText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_has_terms)]
"""What the user types to search."""
