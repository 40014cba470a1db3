"""The language of a question, however short, and `und` for what is in none."""

import gzip
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.language import MAX_CHARACTERS, UNDETERMINED, detect_language

TRAFFIC = Path(__file__).parents[3].parent / "shared/data/traffic/turns.jsonl.gz"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who was Nikola Tesla?", "en"),
        ("WHAT IS THE MEANING OF LIFE?", "en"),
        ("¿Qué es el karma?", "es"),
        ("Was ist Dharma?", "de"),
        ("Bonjour, comment ça va ?", "fr"),
        ("कर्म क्या है और यह कैसे काम करता है?", "hi"),
        ("मी मराठी बोलतो", "mr"),
        ("तपाईंलाई कस्तो छ, नेपालमा मौसम कस्तो छ?", "ne"),
        ("Что такое дхарма?", "ru"),
        ("Привіт, як справи?", "uk"),
        ("Каква е столицата на България?", "bg"),
        ("ما هي عاصمة المملكة العربية السعودية؟", "ar"),
        ("پایتخت ایران کجاست؟", "fa"),
        ("پاکستان کا دارالحکومت کیا ہے؟", "ur"),
        ("Türkiye'nin başkenti neresidir?", "tr"),
        ("什么是佛法？", "zh"),
        ("請問臺灣的首都是哪裡？", "zh"),
        ("在埃施和沃斯被处死后路德写了哪首赞美诗？", "zh"),
        ("请解释 Python 的装饰器是什么", "zh"),
        ("V＆A起源于哪个博览会？", "zh"),
        ("日本の首都はどこですか？", "ja"),
        ("コンピューター", "ja"),
        ("ｺﾝﾋﾟｭｰﾀ", "ja"),
        ("대한민국의 수도는 어디입니까?", "ko"),
        ("大韓民國의 수도는 어디입니까?", "ko"),
        ("What does 你好 mean in English?", "en"),
        ("เมืองหลวงของประเทศไทยคืออะไร", "th"),
        ("Bạn khỏe không?", "vi"),
        ("Ποια είναι η πρωτεύουσα της Ελλάδας;", "el"),
        ("תל אביב היא עיר בישראל", "he"),
        ("தமிழ்நாட்டின் தலைநகரம் எது?", "ta"),
        ("বাংলাদেশের রাজধানী কী?", "bn"),
        ("See https://example.com/que/es/esto and tell me what it is", "en"),
    ],
)
def test_a_question_has_its_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "12345",
        "1 + 1 = 2",
        "😀🎉",
        "?!…",
        "https://example.com/a",
        "a@example.com",
        "www.example.com",
        "x",
        "५",
    ],
)
def test_what_is_in_no_language_is_undetermined(text: str) -> None:
    assert detect_language(text) == UNDETERMINED


def test_letters_that_make_no_words_are_undetermined() -> None:
    assert {detect_language(text) for text in ("asdf qwer", "xkcd", "lol")} == {UNDETERMINED}


def test_line_breaks_do_not_hide_what_follows() -> None:
    assert detect_language("1)\n\nWas ist die Hauptstadt\r\nvon Deutschland?") == "de"


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    german = "Das ist ein ganz gewöhnlicher deutscher Satz. " * 50
    assert len(german) > MAX_CHARACTERS
    assert detect_language(german + "什么是佛法？" * 1_000_000) == "de"


@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_has_one_code_and_always_the_same(text: str) -> None:
    code = detect_language(text)
    assert code == detect_language(text)
    assert code.isascii()
    assert code.islower()
    assert len(code) in (2, 3)


@pytest.mark.parametrize("text", ["half a pair \ud83d of a smiling face", "nothing \x00 at all to be seen in here"])
def test_malformed_text_is_still_text(text: str) -> None:
    assert detect_language(text) == "en"


def test_detecting_needs_no_network() -> None:
    script = """
import sys
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event in ("socket.connect", "socket.getaddrinfo") else None)
from models.chat.language import detect_language
assert detect_language("Was ist die Hauptstadt von Deutschland?") == "de"
assert not opened
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.skipif(not TRAFFIC.exists(), reason="the shared traffic is not here")
def test_the_languages_of_real_questions() -> None:
    with gzip.open(TRAFFIC, "rt", encoding="utf-8") as lines:
        questions = {(turn["query"], turn["language"]) for turn in map(json.loads, lines)}
    right: dict[str, list[bool]] = defaultdict(list)
    for text, language in questions:
        right[language].append(detect_language(text) == language)
    accuracy = {language: sum(hits) / len(hits) for language, hits in right.items()}
    assert set(accuracy) == {"en", "es", "hi", "de", "ru", "zh", "ar", "tr"}
    assert min(accuracy.values()) >= 0.99, accuracy
