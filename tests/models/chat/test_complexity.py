"""Simple, moderate or complex: the same question alike in every language."""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.complexity import LONG_WORDS, MAX_CHARACTERS, query_complexity

TRAFFIC = Path(__file__).parents[3].parent / "shared/data/traffic/turns.jsonl.gz"
ORDER = ["simple", "moderate", "complex"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "hello",
        "What is dharma?",
        "Hello, what is dharma???",
        "What is 3.14159, roughly?",
        "Which company makes different kinds of compartments for international space stations?",
        "¿Qué es una ecuación diferencial?",
        "धर्म क्या है?",
        "अंतरिक्ष में अंतरराष्ट्रीय स्टेशन कब बना?",
        "什么是佛法？",
        "在埃施和沃斯被处死后路德写了哪首赞美诗？",
        "日本の首都はどこですか？",
        "เมืองหลวงของประเทศไทยคืออะไร",
        "Что такое дхарма?",
        "ما هي الدارما؟",
        "Dharma nedir?",
    ],
)
def test_a_plain_question_is_simple(text: str) -> None:
    assert query_complexity(text) == "simple"


@pytest.mark.parametrize(
    "text",
    [
        "Compare karma and dharma",
        "What is the difference between karma and dharma?",
        "Plato vs. Aristotle",
        "¿Cuál es la diferencia entre karma y dharma?",
        "Quelle est la différence entre le karma et le dharma ?",
        "Was ist der Unterschied zwischen Karma und Dharma?",
        "कर्म और धर्म में क्या अंतर है?",
        "कर्म और धर्म की तुलना करो",
        "业力和佛法有什么区别？",
        "В чём разница между кармой и дхармой?",
        "ما الفرق بين الكارما والدارما؟",
        "Karma ile dharma arasındaki fark nedir?",
        "カルマとダルマの違いは何ですか？",
        "카르마와 다르마의 차이는 무엇입니까?",
        "What is karma? And what is dharma?",
        "कर्म क्या है? और धर्म क्या है?",
        "什么是业力？什么是佛法？",
        "ما هي الكارما؟ وما هي الدارما؟",
        "In the Gita, what does Krishna tell Arjuna about duty when he refuses to fight his own family?",
        "गीता में, जब अर्जुन अपने ही परिवार से लड़ने से मना कर देता है तब कृष्ण उसे कर्तव्य के बारे में क्या बताते हैं?",
        "在《薄伽梵歌》中，当阿周那拒绝与自己的家人作战时，克里希纳对他说了哪些关于责任的话呢？",
    ],
)
def test_a_comparison_or_a_second_thought_is_moderate(text: str) -> None:
    assert query_complexity(text) == "moderate"


@pytest.mark.parametrize(
    "text",
    [
        "Compare the ethics of Kant, Mill and the Gita: what would each say about lying to save a life, and why?",
        "Vergleiche die Ethik von Kant, Mill und der Gita: Was sagte jeder zu einer Lüge, die Leben rettet, und warum?",
        "कांट, मिल और गीता की नैतिकता की तुलना करो: जान बचाने के लिए झूठ बोलने पर हर एक क्या कहेगा, और क्यों?",
        "比较康德、密尔和《薄伽梵歌》的伦理学：对于为了拯救生命而撒谎，他们各自会怎么说，又是为什么？",
        "What is karma? What is dharma? How do they differ? Which comes first?",
        "word " * 201,
        "字" * 330,
        "ก" * 910,
    ],
)
def test_much_to_weigh_is_complex(text: str) -> None:
    assert query_complexity(text) == "complex"


def test_a_list_asks_for_more_than_a_line() -> None:
    question = "Who of these is the oldest of them all, do you think?"
    assert query_complexity(question) == "simple"
    assert query_complexity(question + "\n\nPlato\nKant\nMill") == "moderate"


@pytest.mark.parametrize("unit", ["word ", "字", "あ", "ก"])
def test_longer_is_never_simpler(unit: str) -> None:
    grades = [ORDER.index(query_complexity(unit * count)) for count in range(0, 1000, 7)]
    assert grades == sorted(grades)
    assert set(grades) == {0, 1, 2}


def test_the_beginning_decides_about_a_long_text() -> None:
    text = "x" * MAX_CHARACTERS
    assert query_complexity(text + " compare this? and this? and that?" * 100_000) == query_complexity(text) == "simple"


@given(st.text(max_size=300))
def test_any_text_has_a_grade_whatever_surrounds_it(text: str) -> None:
    assert query_complexity(text) in ORDER
    assert query_complexity(f"  {text}\n") == query_complexity(text)


@given(st.lists(st.sampled_from(["karma", "dharma", "moksha"]), max_size=LONG_WORDS[0]))
def test_few_words_without_marks_are_simple(words: list[str]) -> None:
    assert query_complexity(" ".join(words)) == "simple"


@pytest.mark.skipif(not TRAFFIC.exists(), reason="the shared traffic is not here")
def test_every_language_has_its_share_of_simple_questions() -> None:
    grades: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(TRAFFIC, "rt", encoding="utf-8") as lines:
        for text, language in {(turn["query"], turn["language"]) for turn in map(json.loads, lines)}:
            grades[language][query_complexity(text)] += 1
    simple = {language: counts["simple"] / counts.total() for language, counts in grades.items()}
    assert min(simple.values()) > 0.85, simple
    assert set().union(*grades.values()) == set(ORDER)
