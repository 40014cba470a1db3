"""How much a question asks for: simple, moderate or complex, by one rule for all languages."""

import re
from bisect import bisect_left
from typing import Literal

QueryComplexity = Literal["simple", "moderate", "complex"]

MODERATE_POINTS = 2
COMPLEX_POINTS = 4

LONG_WORDS = (14, 30, 80, 200)
"""A point for each of these numbers of words that is exceeded. Nine of ten plain questions of fact have 15 or less."""

MANY_CLAUSES = (1, 4)
"""A point for each of these numbers of clauses that is exceeded."""

MANY_QUESTIONS = (1, 3)
"""A point for each of these numbers of question marks that is exceeded."""

MANY_LINES = (2,)
"""A point for more lines than this: a list, a table, code or a quoted text."""

COMPARISON_POINTS = 2
"""For a question that asks to compare: it is two questions and a third about them."""

MAX_CHARACTERS = 4000
"""What is longer is complex by its beginning; the rest would only cost time."""

# Letters per word in the scripts that have no spaces, so that the same question counts alike in all languages.
# (Translations of the same questions have 10.2 words in English and 15.7 ideographs in Chinese.)
_UNSPACED = (
    (re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"), 1.6),  # ideographs
    (re.compile("[\u3041-\u30ff]"), 2.5),  # kana
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 4.5),  # Thai, Lao, Burmese, Khmer
)

_CLOSERS = "\"'”’»›)]}*_"
_SPACED_MARKS = frozenset(",;:.!?…—–،؛؟।॥۔։՞፣።፧\u037e")  # these end a clause where a space follows
_UNSPACED_MARKS = re.compile("[，、；：。！？；]+")  # and these anywhere
_QUESTION_MARKS = re.compile("[?？؟՞፧\u037e][?!？！؟]*")

# The one thing that marks can't tell, so words must. Parts of words, so that all their inflections are found; a
# language that is missing here is still judged by all other points.
_COMPARISONS = re.compile(
    r"\bcompar(?!t)|\bdiffer(?:s|ed|ences?)?\b|\bversus\b|\bvs\b|\bcontrast"  # English; compar- Romance, not compart-
    r"|\bdiferen(?:ças?\b|cian?\b|cias\b)|\bdifférences?\b|\bdifferenz[ae]\b|\bconfront[aio]"  # es, pt, fr, it
    r"|\bunterschied(?!lich)|\bvergleich"  # German
    r"|сравн|отличае|отличаю|отличи|разниц"  # Russian
    r"|तुलना|(?:^|\s)(?:अंतर|अन्तर|फर्क|फ़र्क)(?=[\s?।,]|$)"  # Hindi; a word of its own, for antariksh is space
    r"|比较|比較|区别|區別|差异|差異|对比|對比|有什么不同|有何不同|不同之处|違い"  # Chinese, Japanese
    r"|قارن|مقارن|الفرق|فرق بين|اختلاف"  # Arabic
    r"|\bkarşılaştır|\bfark(?:ı|lar\w*)?\b|\bkıyasla"  # Turkish
    r"|비교|차이"  # Korean
)


def query_complexity(text: str) -> QueryComplexity:
    """Judge a question by points: for its length, clauses, questions and lines, and for asking to compare.

    Words are counted by spaces, or by letters in the scripts that have none. Below `MODERATE_POINTS` a question is
    simple, from `COMPLEX_POINTS` on it is complex. Only the first `MAX_CHARACTERS` characters are looked at.
    """
    points = _points(text[:MAX_CHARACTERS].strip())
    if points >= COMPLEX_POINTS:
        return "complex"
    return "moderate" if points >= MODERATE_POINTS else "simple"


def _points(text: str) -> int:
    exceeded = (
        bisect_left(LONG_WORDS, _words(text))
        + bisect_left(MANY_CLAUSES, _clauses(text))
        + bisect_left(MANY_QUESTIONS, len(_QUESTION_MARKS.findall(text)))
        + bisect_left(MANY_LINES, sum(1 for line in text.splitlines() if line.strip()))
    )
    return exceeded + (COMPARISON_POINTS if _COMPARISONS.search(text.lower()) else 0)


def _words(text: str) -> float:
    """The number of words, or of what would be words if the script wrote spaces."""
    words = 0.0
    for letters, letters_per_word in _UNSPACED:
        text, found = letters.subn(" ", text)
        words += found / letters_per_word
    return words + sum(1 for token in text.split() if any(map(str.isalnum, token)))


def _clauses(text: str) -> int:
    """One more than the marks between two pieces of text; those at the end separate nothing."""
    tokens = _UNSPACED_MARKS.sub(", ", text).split()
    return 1 + sum(map(_ends_clause, tokens[:-1]))


def _ends_clause(token: str) -> bool:
    return token.rstrip(_CLOSERS)[-1:] in _SPACED_MARKS
