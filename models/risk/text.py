"""What the rules need to know of a question's text, so that the text itself need not be kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import unicodedata
from collections.abc import Sequence
from enum import IntFlag

from models.risk.advertising import advertising_words
from models.risk.civilities import continues, without_civilities

SKETCH_VALUES = 32
SHINGLE = 4
TEXT_LIMIT = 4_000
"""Characters of a question that are looked at: a repeated or promotional text shows itself in its first pages."""

_LINK = re.compile(
    r"h(?:tt|xx)ps?\s*:\s*//\S+|\bwww\s?\.\S+"
    r"|\b[a-z0-9][a-z0-9-]{0,62}\s?(?:\.|\[\.\]|\(\.\)|\bdot\b)\s?"
    r"(?:com|net|org|info|biz|xyz|shop|online|site|top|club|ru|cn|io|co|me|ly|gg|link|store|vip|win|bet|example)\b(?:/\S*)?"
)
_CONTACT = re.compile(
    r"\b(?:whatsapp|telegram|wechat|viber|signal me|text me|dm me|call now|call us|t\.me)\b"
    r"|(?<!\w)@[a-z0-9_]{4,}|\+\d[\d\s().-]{7,}\d|[\w.+-]{1,64}@[\w-]{1,64}\.\w"
)
_MONEY = re.compile(
    r"[$€£₹¥₽]\s?\d|\d\s?[$€£₹¥₽%]|\b\d[\d.,]*\s?(?:usd|eur|dollars|euros|rupees|btc|usdt|eth)\b|\b\d+\s?x\s?(?:profit|return)"
)
_SHOUT = re.compile(r"[!！]{2,}|(?:\b[A-ZА-Я]{4,}\b.*){2}|[💰🔥💸🚀👉🎁🤑✅⭐🎉💵]")
_QUOTED = re.compile(
    r"(?<!\w)'[^']{8,}'(?!\w)|\"[^\"]{8,}\"|“[^”]{8,}”|«[^»]{8,}»|„[^“”]{8,}[“”]|「[^」]{4,}」|```.*?```", re.S
)
_QUESTION_MARKS = re.compile(r"[?？؟]")
_WORD = re.compile(r"\w+")
_REQUEST = re.compile(
    r"[?？؟]\W{0,8}$|^\W*(?:please |can you |could you |would you |i need you to |i want you to |i'd like you to )*"
    r"(?:what|who|whom|whose|why|how|when|where|which|is|are|was|were|do|does|did|should|explain|summari[sz]e|translate|"
    r"write|draft|rewrite|rephrase|review|proofread|improve|compare|describe|analy[sz]e|tell me|suggest|help me|fix|"
    r"(?:give|show|find|make|create|list) (?:me|us|a|an|some|the|all)|check (?:this|whether|if|the)|read this|"
    r"resum[ei]\w*|explica\w*|traduce|escribe|erkläre|übersetze|schreibe|fasse|résume|explique|traduis|écris|"
    r"riassumi|spiega|объясни|переведи|напиши|总结|翻译|解释|请|写|सारांश|समझा\w*|अनुवाद|बता\w*|لخص|اشرح|ترجم|要約|説明|翻訳)(?!\w)"
)
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "@": "a", "$": "s"})
_LEET_WORD = re.compile(r"\b(?=\w*[a-z@$])(?=[\w@$]*[0-9@$])[\w@$]{4,}\b")
_COUNTER = re.compile(r"(?:[?!.。？！।؟]\s*|\s[#№(\[])\d{1,6}\W*$")
_NONCE = re.compile(r"(?:[?!.。？！।؟]\s*|\s[#№(\[])(?=[\w-]*\d)[\w-]{1,36}\W*$")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)


class Signal(IntFlag):
    """What stands out in a question's text, or in the client that sent it."""

    NONE = 0
    LINK = 1
    CONTACT = 2
    MONEY = 4
    SHOUT = 8
    REQUEST = 16
    """It asks for something, as questions and instructions do and advertisements don't."""
    AUTOMATED = 32
    """The client says of itself that it is a program."""
    FAILED = 64
    """Its answer failed, and something stands in its place."""
    CONTINUES = 128
    """It asks for no more than to go on with what was said before."""
    FIRST = 256
    """It is the first turn of its session."""


def normalised(text: str) -> str:
    """The question without what people and scripts vary idly: case, width, spacing, punctuation, a trailing counter.

    A counter is a number after the end of the sentence or after `#`: `7 x 8` is another question than `7 x 9`.
    """
    folded = unicodedata.normalize("NFKC", text[:TEXT_LIMIT]).casefold().strip()
    folded = _COUNTER.sub("", folded)
    kept = (character if unicodedata.category(character)[0] in "LMNS" else " " for character in folded)
    return " ".join("".join(kept).split())


def canonical(text: str) -> str:
    """What a question asks, whole: normalised, without what is invisible, a nonce at its end, and civilities around it.

    Whatever else differs makes another question, also at the end of a long text: one prompt over many essays, one frame
    around many words, one preamble before many tasks are as many questions.
    """
    shown = _INVISIBLE.sub("", text).strip()
    start = normalised(_NONCE.sub("", shown[:TEXT_LIMIT]) if len(shown) <= TEXT_LIMIT else shown)
    return " ".join([without_civilities(start), *shown[TEXT_LIMIT:].casefold().split()])


def question_hash(text: str, key: bytes = b"") -> str:
    """48 bits of SHA-256 of what a question asks, in hexadecimal: equal for equal questions. With a key, of HMAC."""
    plain = canonical(text).encode(errors="replace")
    digest = hmac.digest(key, plain, "sha256") if key else hashlib.sha256(plain).digest()
    return digest.hex()[:12]


def sketch(text: str, key: bytes = b"") -> str:
    """A MinHash of the question's character 4-grams: 32 bytes in base64, see `similarity`. A link counts as one mark.

    After Broder (1997), with one byte kept of each minimum (Li and König, 2010).
    """
    masked = normalised(_LINK.sub(" 𝓁 ", unicodedata.normalize("NFKC", text[:TEXT_LIMIT]).casefold()))
    padded = f" {masked} "
    grams = {padded[start : start + SHINGLE] for start in range(max(1, len(padded) - SHINGLE + 1))}
    hashes = (struct.unpack("<32H", hashlib.blake2b(gram.encode(), key=key).digest()) for gram in grams)
    return base64.b64encode(bytes(value & 0xFF for value in map(min, zip(*hashes, strict=True)))).decode()


def sketch_bytes(encoded: str) -> bytes:
    return base64.b64decode(encoded)


def similarity(left: Sequence[int], right: Sequence[int]) -> float:
    """Estimated Jaccard similarity, 0-1, of the texts behind two sketches: standard error 0.09 at most.

    Unequal minima have an equal byte in one of 256 cases, which is taken off.
    """
    equal = sum(map(int.__eq__, left, right)) / SKETCH_VALUES
    return max(0.0, (equal - 1 / 256) / (1 - 1 / 256))


def signals_of(text: str) -> tuple[Signal, int]:
    """What stands out in a text, and how many different words of advertising it has.

    What is quoted is left out: it is what the question is about. A question that more than a few words follow is one
    that its author answers, as advertisements do; what counts is what follows.
    """
    shown = unicodedata.normalize("NFKC", text[:TEXT_LIMIT])
    shown = _QUOTED.sub(" ", shown) if _QUOTED.sub("", shown).strip() else shown
    folded = shown.casefold()
    found = Signal.NONE
    for signal, pattern, subject in (
        (Signal.LINK, _LINK, folded),
        (Signal.CONTACT, _CONTACT, folded),
        (Signal.MONEY, _MONEY, folded),
        (Signal.SHOUT, _SHOUT, shown),
        (Signal.REQUEST, _REQUEST, _last_word(folded)),
    ):
        if pattern.search(subject):
            found |= signal
    if continues(without_civilities(normalised(text))):
        found |= Signal.CONTINUES
    plain = _LEET_WORD.sub(lambda word: word[0].translate(_LEET), _LINK.sub(" ", folded))
    return found, advertising_words(plain)


def _last_word(text: str) -> str:
    """What follows the last question mark, if that is more than a few words; else the whole text."""
    rest = _QUESTION_MARKS.split(text)[-1]
    return rest if len(_WORD.findall(rest)) > 3 else text
