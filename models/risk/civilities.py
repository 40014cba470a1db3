"""Words around a question that don't change what it asks, and prompts that only ask to go on, in several languages."""

from __future__ import annotations

import re

LONGEST_CONTINUATION = 80
"""Characters."""

WORDS_OF_A_CONTINUATION = 10

_BEFORE = """
please|pls|plz|kindly|hi|hello|hey|hi there|hello there|hey there|dear|sorry|sorry but|so|ok|okay|well|
now|um|again|once again|once more|good morning|good evening|q ?\\d*|question \\d+|no ?\\d+|try \\d+|
attempt \\d+|por favor|hola|otra vez|bueno|pues|buenos días|bitte|hallo|nochmal|noch einmal|also|
guten tag|guten morgen|s il vous plaît|s il te plaît|svp|bonjour|salut|encore|encore une fois|alors|
per favore|ciao|ancora|allora|olá|oi|de novo|пожалуйста|привет|здравствуйте|ещё раз|еще раз|снова|итак|
कृपया|नमस्ते|फिर से|من فضلك|مرحبا|lütfen|merhaba|tekrar
"""
_AFTER = """
please|pls|plz|thanks|thanks a lot|thanks so much|thanks in advance|many thanks|thank you|
thank you very much|thank you so much|thx|ty|cheers|again|once again|once more|asap|por favor|gracias|
muchas gracias|otra vez|bitte|danke|danke schön|vielen dank|nochmal|noch einmal|s il vous plaît|
s il te plaît|svp|merci|merci beaucoup|per favore|grazie|grazie mille|obrigado|obrigada|de novo|
пожалуйста|спасибо|ещё раз|еще раз|कृपया|धन्यवाद|من فضلك|شكرا|lütfen|teşekkürler|tekrar
"""
_UNSPACED_BEFORE = "请问|请|您好|你好|再问一次|もう一度|すみません"
_UNSPACED_AFTER = "谢谢你|谢谢您|谢谢|感谢|お願いします|ありがとうございます|ありがとう"
_CONTINUATIONS = """
continue|continued|go on|go ahead|keep going|keep writing|carry on|proceed|resume|next|next one|more|
one more|another|another one|yes|yeah|yep|yup|sure|no|right|good|great|perfect|nice|and then|and next|
then what|what next|try again|retry|regenerate|redo|do it|elaborate|expand|tell me more|give me more|
show me more|finish|can you continue|could you continue|you can continue|sí|si|continúa|continua|sigue|
adelante|más|siguiente|ja|weiter|mach weiter|fahre fort|fahr fort|mehr|nächste|nächster|nächstes|oui|
continuez|poursuis|la suite|suite|suivant|plus|vas y|sì|avanti|prosegui|ancora|sim|continue|próximo|mais|
да|продолжай|продолжи|продолжайте|дальше|далее|ещё|еще|следующий|हाँ|हां|जारी|आगे|और|अगला|نعم|استمر|أكمل|
واصل|المزيد|التالي|evet|devam|devam et
"""
_UNSPACED_CONTINUATIONS = "继续|繼續|接着|下一|再来|更多|是的|好的|続け|続き|次|もっと|はい|계속|다음|네"
_UNSPACED_LONGEST = 16


def _any_of(phrases: str) -> str:
    listed = [phrase.strip() for phrase in phrases.replace("\n", "").split("|")]
    return "|".join(sorted(filter(None, listed), key=len, reverse=True))


_FRONT = re.compile(rf"^(?:(?:(?:{_any_of(_BEFORE)})(?= ) )|(?:{_UNSPACED_BEFORE}) ?)+")
_BACK = re.compile(rf"(?: (?:{_any_of(_AFTER)})(?=$| )| ?(?:{_UNSPACED_AFTER}))+$")
_CONTINUATION = re.compile(rf"^(?:{_any_of(_CONTINUATIONS)})(?= |$)")
_UNSPACED_CONTINUATION = re.compile(rf"^(?:{_UNSPACED_CONTINUATIONS})")


def without_civilities(normalised: str) -> str:
    """A normalised text without greetings, pleas, thanks and `again` around it; whole if little else is there."""
    bare = _BACK.sub("", _FRONT.sub("", normalised))
    return bare if len(bare) * 3 >= len(normalised) else normalised


def continues(normalised: str) -> bool:
    """Whether a normalised text, without civilities, only asks to go on."""
    if len(normalised) > LONGEST_CONTINUATION:
        return False
    spaced = _CONTINUATION.match(normalised) and normalised.count(" ") < WORDS_OF_A_CONTINUATION
    return bool(spaced or (len(normalised) <= _UNSPACED_LONGEST and _UNSPACED_CONTINUATION.match(normalised)))
