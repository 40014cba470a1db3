"""Full-text functions.

Azure analyses text with its own tokenizer; here a word is a run of letters and digits, without regard to case, and
common English endings are cut off. Scores are BM25 with the usual k1 = 1.2 and b = 0.75.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ..values import JSON, UNDEFINED, Value, number
from .registry import builtin

_WORD: Final = re.compile(r"[^\W_]+")
_ENDING: Final = re.compile(r"(?<=\w{3})(ings?|ers?|ed|es?|s)$")
_DOUBLED: Final = re.compile(r"([b-df-hj-np-tv-z])\1$")
_K1: Final = 1.2
_B: Final = 0.75


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in the form in which they are compared."""
    return tuple(_DOUBLED.sub(r"\1", _ENDING.sub("", word)) for word in _WORD.findall(text.casefold()))


def _occurrences(text: Sequence[str], phrase: Sequence[str]) -> int:
    """How often the words of the phrase follow each other in the text."""
    if not phrase:
        return 0
    size = len(phrase)
    return sum(text[start : start + size] == phrase for start in range(len(text) - size + 1))


@builtin("FULLTEXTCONTAINS", "ss")
def full_text_contains(text: str, phrase: str) -> Value:
    """Whether the phrase occurs in the text."""
    return _occurrences(words(text), words(phrase)) > 0


@builtin("FULLTEXTCONTAINSALL", "ss*")
def _full_text_contains_all(text: str, *phrases: str) -> Value:
    return all(full_text_contains(text, phrase) for phrase in phrases)


@builtin("FULLTEXTCONTAINSANY", "ss*")
def _full_text_contains_any(text: str, *phrases: str) -> Value:
    return any(full_text_contains(text, phrase) for phrase in phrases)


@builtin("_FULLTEXTWORDCOUNT", "u")
def full_text_word_count(text: Value) -> Value:
    """The number of words; nothing counts as 0, so that sums over documents exist."""
    return len(words(text)) if type(text) is str else 0


@builtin("_FULLTEXTSCORE", "sanna")
def full_text_score(text: str, phrases: list[JSON], documents: float, total_words: float, hits: list[JSON]) -> Value:
    """BM25 of a text for phrases, given the number of documents, their words, and the documents with each phrase."""
    if len(phrases) != len(hits) or not all(type(phrase) is str for phrase in phrases) or documents <= 0:
        return UNDEFINED
    found = words(text)
    average = total_words / documents
    length = _K1 * (1 - _B + _B * len(found) / average) if average else _K1
    score = 0.0
    for phrase, hit_count in zip(phrases, hits, strict=True):
        frequency = _occurrences(found, words(phrase))
        rarity = math.log(1 + (documents - hit_count + 0.5) / (hit_count + 0.5))
        score += rarity * frequency * (_K1 + 1) / (frequency + length)
    return number(score)
