"""The words that advertisements are made of, in several languages."""

from __future__ import annotations

import re

_WORDS = """
buy cheap* discount* sale deal deals offer offers promo* coupon* voucher* bonus* jackpot casino* betting bet bets spin
spins slot slots win winner* prize prizes reward rewards giveaway* earn* income profit* rich cash loan loans credit
credits invest* crypto* bitcoin forex trading signals airdrop* presale free limited exclusive guaranteed instant* hurry
click subscribe join visit follower followers likes subscriber subscribers viagra cialis pills meds pharmacy dating
singles hookup* replica watches iphone passive unlock* vip lowest today now
compra* barat* gratis oferta* descuento* gana* dinero premio* regístrate promoción seguidores haz
kaufen billig* kostenlos* angebot* rabatt* gewinn* verdiene* geld jetzt klick* anmelden
acheter achetez gratuit* offre* gagne* argent cliquez inscrivez promotion abonnés
offert* sconto guadagna* soldi clicca
купи* дешев* дешёв* бесплатн* скидк* акци* выигра* заработ* деньги казино бонус* подписчик* жми
satın ucuz bedava kazan* indirim
"""
_PHRASES = (
    "sign up",
    "signup",
    "act now",
    "order now",
    "shop now",
    "call now",
    "register now",
    "download now",
    "check out",
    "weight loss",
    "lose weight",
    "gift card",
    "from home",
    "no experience",
    "best price",
    "no prescription",
    "risk free",
)
_UNSPACED = """
免费 便宜 优惠 折扣 赚钱 中奖 赌场 奖金 点击 加微信 注册 限时 特价 代购 粉丝 现金 娱乐城 無料 割引 稼 当選
मुफ्त मुफ़्त सस्ते सस्ता कमाएं कमाओ पैसे इनाम ऑफर छूट खरीदें क्लिक जीतें مجان خصم اربح عرض اشتر
"""


def _pattern() -> re.Pattern[str]:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in [*_WORDS.split(), *_PHRASES]]
    return re.compile(rf"\b(?:{'|'.join(words)})\b|{'|'.join(map(re.escape, _UNSPACED.split()))}")


_ADVERTISING = _pattern()


def advertising_words(text: str) -> int:
    """How many different words of advertising a case-folded text has."""
    return len(set(_ADVERTISING.findall(text)))
