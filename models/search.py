"""What to look for in the user's own questions, from the words that they type."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TERMS = 10

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


def terms_of(text: str) -> Terms:
    """The terms in what the user typed, without repetition.

    The full-text index splits texts where words of an alphabet end, and knows the endings of English. So plain words
    in Latin letters are left to it. What it can't tell apart is looked for as it stands: scripts without spaces or
    with combining marks, and terms with marks in them, like `C++` or `state-of-the-art`.
    """
    words, fragments = dict[str, None](), dict[str, None]()
    for term in text.split():
        bare = term.strip(_MARKS)
        if _LATIN_WORD.fullmatch(bare):
            words[bare.casefold()] = None
        else:
            fragments[bare or term] = None
    return Terms(tuple(words), tuple(fragments))
