"""Made-up questions and advertisements for generated behaviours. Words only: nothing here is anybody's."""

from __future__ import annotations

import random
from collections.abc import Callable

_SUBJECTS = {
    "en": "photosynthesis|the Silk Road|quantum tunnelling|black holes|sourdough|stoicism|"
    "the French Revolution|inflation|"
    "karma|coral reefs|machine learning|the Bhagavad Gita|jazz harmony|plate tectonics|insulin|Roman concrete|"
    "monsoons|game theory|the Enlightenment|vaccines|haiku|entropy|glaciers|the Marshall Plan|bees|Kant's ethics|"
    "tax brackets|migraines|volcanoes|the Ottoman Empire|calculus|mindfulness|neurons|"
    "batteries|the Nile|chess openings",
    "es": "la fotosíntesis|los agujeros negros|la inflación|el estoicismo|los volcanes|la penicilina|"
    "el Quijote|las mareas|"
    "la Armada Invencible|los glaciares|el karma|la entropía|las abejas|el cálculo",
    "de": "die Photosynthese|schwarze Löcher|die Inflation|der Stoizismus|Vulkane|die Hanse|Gezeiten|"
    "Gletscher|die Entropie|"
    "der Buchdruck|Bienen|die Differentialrechnung",
    "hi": "प्रकाश संश्लेषण|कर्म योग|मुद्रास्फीति|ज्वालामुखी|गुरुत्वाकर्षण|अशोक का साम्राज्य|मानसून|आयुर्वेद|शतरंज|मधुमक्खियाँ",
    "zh": "光合作用|黑洞|通货膨胀|丝绸之路|火山|量子隧穿|儒家思想|季风|围棋|蜜蜂|冰川|微积分",
}
_FRAMES = {
    "en": "What is {} and why does it matter?|How does {} affect everyday life?|Who first wrote about {}?|"
    "Explain {} to a ten year old|Give me three surprising facts about {}|When did people begin to study {}?|"
    "What do most people get wrong about {}|Is there a link between {} and {}?|how would you compare {} with {}|"
    "I read something about {} yesterday, is it true that it depends on {}?|What would Socrates say about {}?",
    "es": "¿Qué es {} y por qué importa?|¿Cómo influye {} en la vida diaria?|¿Quién descubrió {}?|"
    "Explícame {} con un ejemplo|"
    "¿Qué relación hay entre {} y {}?",
    "de": "Was ist {} und warum ist das wichtig?|Wie beeinflusst {} den Alltag?|"
    "Wer hat zuerst über {} geschrieben?|"
    "Erkläre mir {} an einem Beispiel|Was haben {} und {} gemeinsam?",
    "hi": "{} क्या है और यह क्यों ज़रूरी है?|{} का रोज़मर्रा के जीवन पर क्या असर है?|"
    "{} के बारे में सबसे पहले किसने लिखा?|"
    "{} और {} में क्या संबंध है?",
    "zh": "什么是{}，为什么重要？|{}如何影响日常生活？|谁最早研究{}？|{}和{}有什么关系？|请用一个例子解释{}",
}
LANGUAGES = tuple(_SUBJECTS)
_STEMS = "lumo|vexa|trado|quick|mega|bright|zeno|pulse|nova|prime|orbit|swift|hyper|golden|luck"
_ENDS = "store.shop|deal.example|bay.com|hub.net|vault.io|pay.biz|club.vip|zone.online"

_ADVERTISEMENTS = (
    "Get 10,000 real {0} fans for only ${2}! Visit https://{1}/{2} and order now",
    "HOT DEAL: replica watches {2}% off, free shipping >> www.{1}/w{2}",
    "Lose 12 kg in {2} days without exercise. Natural pills, guaranteed results: {1}",
    "Make {2}00 USD a day with our trading signals, join telegram @{0}_signals{2}",
    "Cheap meds online, no prescription needed, discreet delivery http://{1}/rx?c={2}",
    "CONGRATULATIONS!!! You are our winner no. {2}. Claim your prize at {1}",
    "Need a loan? Instant cash up to ${2}000, bad credit ok, WhatsApp +44 7700 900{2}",
    "Fr33 cas1no sp1ns, no dep0sit b0nus {2}%: {1}/play",
    "Double your bitcoin in {2} hours, guaranteed profit, limited seats: https://{1}",
    "Gana dinero desde casa, {2}€ al día, haz clic aquí: https://{1}/es{2}",
    "Billig kaufen: Markenuhren mit {2}% Rabatt, nur jetzt auf www.{1}",
    "Купи подписчиков дешево, скидка {2}% только сегодня http://{1}/ru",
    "限时优惠，注册即送{2}元现金，点击 http://{1}/cn",
    "मुफ्त रिचार्ज पाने के लिए क्लिक करें https://{1}/in{2} और पैसे कमाएं",
    "Lonely singles in your area want to chat!! Join free tonight {1}/d{2}",
    "Achetez des abonnés, offre -{2}% : https://{1}/fr",
    "Best price VPN, {2} months free, sign up here: {1}/vpn",
    "Airdrop! Connect your wallet at {1} and receive {2} tokens instantly 🚀🚀",
)


def question(chance: random.Random, language: str) -> str:
    """A question of a person."""
    subjects = _SUBJECTS[language].split("|")
    return chance.choice(_FRAMES[language].split("|")).format(chance.choice(subjects), chance.choice(subjects))


def advertiser(chance: random.Random, wordings: int) -> Callable[[], str]:
    """Somebody who spreads so many different advertisements."""
    chosen = chance.sample(_ADVERTISEMENTS, wordings)

    def advertise() -> str:
        stem, end = chance.choice(_STEMS.split("|")), chance.choice(_ENDS.split("|"))
        return chance.choice(chosen).format(stem, f"{stem}{chance.randint(1, 99)}{end}", chance.randint(10, 99))

    return advertise


def reworded(chance: random.Random, text: str, number: int, subtle: bool) -> str:
    """The same question, as somebody sends it who wants it to look different."""
    idle = [text, text.upper(), f"  {text} ", text.rstrip("?？") + "??", f"{text} {number}", text.replace(" ", "  ")]
    polite = [f"{text} please", f"Hi, {text}", f"Again: {text}", f"{text} thanks", f"so {text}", f"Q{number}: {text}"]
    return chance.choice(idle + polite if subtle else idle)
