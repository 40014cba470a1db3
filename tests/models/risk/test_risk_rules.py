"""Each rule fires on what it is for, and not on the people who look like it."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

import pytest

from models.accounts.finding import Finding
from models.chat.facts import facts_of
from models.risk.excessive import counted, excessive_usage
from models.risk.facts import TurnFacts
from models.risk.places import disjoint, suspicious_patterns
from models.risk.repetition import repetitive_queries
from models.risk.spam import spam
from models.risk.text import Signal
from models.risk.timing import bot_like_patterns
from models.risk.tokens import token_abuse
from tests.models.examples import an_interaction
from tests.models.risk_turns import (
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    START,
    a_fact,
    at_human_pace,
    conversation,
    different_questions,
)


def _excessive(turns: list[TurnFacts]) -> Finding | None:
    return excessive_usage(counted(turns), LIMITS.excessive_usage)


def test_facts_keep_neither_text_nor_address() -> None:
    turn = an_interaction(
        user_query="My secret plan is to visit Ulm.", ip_address="a1b2c3d4e5f60718", reasoning_tokens=7
    )
    facts = facts_of(turn)
    assert (facts.address, facts.output, facts.fresh_input) == ("a1b2c3d4e5f6", 57, 100)
    assert not any("secret" in str(value) for value in facts)


def test_a_client_that_is_a_program_is_marked() -> None:
    assert facts_of(an_interaction(device_type="bot")).has(Signal.AUTOMATED)
    assert not facts_of(an_interaction(device_type="mobile")).has(Signal.AUTOMATED)


# excessive_usage


def test_more_turns_a_day_than_a_person_asks_are_excessive() -> None:
    found = _excessive([a_fact(number * 4 * MINUTE) for number in range(300)])
    assert found is not None
    assert (found.pattern, found.observed, found.threshold, found.strength) == ("turns_per_day", 300, 150, 1.0)
    assert (found.first_seen, found.turns) == (START, 300)


def test_a_heavy_day_is_not_excessive() -> None:
    assert _excessive([a_fact(8 * HOUR + number * 9 * MINUTE) for number in range(100)]) is None


def test_two_heavy_days_are_not_one() -> None:
    assert _excessive([a_fact(day * DAY + number * MINUTE) for day in (0, 2) for number in range(100)]) is None


def test_an_hour_of_nothing_else_is_excessive() -> None:
    found = _excessive([a_fact(number * 30) for number in range(119)])
    assert found is not None
    assert found.pattern == "turns_per_hour"


def test_a_week_of_heavy_days_is_excessive() -> None:
    turns = [a_fact(day * DAY + 8 * HOUR + number * 6 * MINUTE) for day in range(7) for number in range(120)]
    found = _excessive(turns)
    assert found is not None
    assert (found.pattern, found.observed) == ("turns_per_week", 840)


# repetitive_queries


def _repetitive(turns: list[TurnFacts]) -> Finding | None:
    return repetitive_queries(turns, LIMITS.repetitive_queries, LIMITS.bot_like_patterns)


def test_one_question_over_and_over_is_repetitive() -> None:
    variants = ("What is the meaning of life?", "WHAT IS THE MEANING OF LIFE", " What is the meaning of life?? 4")
    asked = [variants[number % 3] for number in range(24)]
    found = _repetitive(conversation(at_human_pace(24), asked))
    assert found is not None
    assert (found.pattern, found.turns, found.strength) == ("repeats_per_day", 24, 1.0)


def test_disguised_repetition_is_repetition() -> None:
    disguises = ("{} please", "Again: {}", "{} thanks a lot", "Q7: {}", "so {}")
    text = "What is the name of the property that makes a number prime?"
    asked = [disguises[number % 5].format(text) for number in range(15)] + [text]
    assert _repetitive(conversation(at_human_pace(16), asked)) is not None


def test_repetition_among_other_questions_is_found_over_days() -> None:
    turns = []
    for day in range(6):
        asked = ["What is the meaning of life?"] * 10 + different_questions(10)
        turns += conversation(at_human_pace(20, day * DAY), asked)
    found = _repetitive(turns)
    assert found is not None
    assert (found.pattern, found.observed) == ("beyond_habit", 24)


def test_a_ritual_is_a_habit() -> None:
    turns = [
        a_fact(day * DAY + prayer * 3 * HOUR, "Which verse is for this hour?")
        for day in range(14)
        for prayer in range(5)
    ]
    assert _repetitive(turns) is None


def test_trying_again_for_a_better_answer_is_no_abuse() -> None:
    turns = conversation(at_human_pace(20), ["Draw me a map of Rome"] * 8 + different_questions(12))
    assert _repetitive(turns) is None


def test_short_prompts_are_repeated_by_anybody() -> None:
    assert _repetitive(conversation(at_human_pace(30), ["continue", "Continue."] * 15)) is None


ESSAY = "The rivers of Europe are long, and there are many of them, as chapter {} tells. "
INSTRUCTION = "Grade this essay from 1 to 10, and comment on its structure, its grammar and its argument. "


@pytest.mark.parametrize(
    "asked",
    [
        [INSTRUCTION + ESSAY.format(number) * 20 for number in range(28)],
        [ESSAY.format(number) * 20 + INSTRUCTION for number in range(28)],
        [INSTRUCTION * 50 + ESSAY.format(number) for number in range(28)],
        [
            f"What does the word '{word}' mean? Answer in one sentence, and give an example."
            for word in "abcdefghij" * 3
        ],
        [f"What is {number} times 7?" for number in range(28)],
        [f"You are a senior engineer. Use strict types. Task: {text}" for text in different_questions(28)],
        [f"{text} Answer with code only, without any explanation." for text in different_questions(28)],
    ],
)
def test_what_differs_is_another_question_however_much_is_the_same(asked: list[str]) -> None:
    assert _repetitive(conversation(at_human_pace(len(asked)), asked)) is None


@pytest.mark.parametrize(
    "asked",
    [
        "yes please go on",
        "Please continue with the next chapter",
        "sí, continúa por favor",
        "да, продолжай пожалуйста",
        "हाँ कृपया आगे बढ़ें",
        "请继续讲下去",
        "Go on!",
    ],
)
def test_to_go_on_is_no_question(asked: str) -> None:
    turns = conversation(at_human_pace(25), [asked] * 25)
    assert _repetitive(turns) is None
    assert _repetitive(conversation(at_human_pace(60), [asked] * 60)) is not None, "not without end"


def test_asking_again_after_failed_answers_is_no_repetition() -> None:
    turns = conversation(at_human_pace(31), ["What is the meaning of life?"] * 31)
    failed = [turn._replace(signals=turn.signals | Signal.FAILED) for turn in turns[:30]]
    assert _repetitive(turns) is not None
    assert _repetitive([*failed, turns[30]]) is None


@pytest.mark.parametrize(
    ("changes", "is_failed"),
    [
        ({"response_quality": "fallback"}, True),
        ({"response_text": "", "response_length": 0, "output_tokens": 0}, True),
        ({"response_text": "", "response_length": 0}, False),
        ({}, False),
    ],
)
def test_an_answer_fails_if_it_is_a_fallback_or_nothing(changes: dict[str, Any], is_failed: bool) -> None:
    assert facts_of(an_interaction(**changes)).has(Signal.FAILED) == is_failed


def test_the_same_words_about_other_documents_are_no_repetition() -> None:
    def about(sizes: list[int]) -> list[TurnFacts]:
        times = at_human_pace(len(sizes))
        return [
            a_fact(at, "Summarise this document", f"s{number}", tokens=size)
            for number, (at, size) in enumerate(zip(times, sizes, strict=True))
        ]

    assert _repetitive(about([7_000 + 3_100 * number for number in range(14)])) is None
    assert _repetitive(about([7_000] * 14)) is not None
    assert _burning(about([30_000 + 5_000 * number for number in range(14)])) is None


def _day_and_night(wordings: int, a_day: int) -> list[TurnFacts]:
    """At random times, all around the clock, for ten days."""
    chance = random.Random(wordings * a_day)
    times = sorted(chance.uniform(0, 10 * DAY) for _ in range(10 * a_day))
    asked = different_questions(wordings)
    return [a_fact(at, chance.choice(asked), f"s{int(at / DAY)}") for at in times]


@pytest.mark.parametrize("a_day", [14, 20, 40])
def test_a_few_wordings_in_turn_day_and_night_are_repetition(a_day: int) -> None:
    turns = _day_and_night(8, a_day)[-200:]
    found = _repetitive(turns)
    assert found is not None
    assert found.pattern == "day_and_night"
    assert _machine(turns) is not None


def test_a_few_wordings_in_turn_by_day_are_a_habit() -> None:
    turns = [
        turn for turn in _day_and_night(8, 20) if 7 * HOUR < (turn.at / 1000 - START.timestamp()) % DAY < 23 * HOUR
    ]
    assert _repetitive(turns) is None
    assert _machine(turns) is None


def test_who_lives_by_another_clock_in_the_second_week_has_nights() -> None:
    chance = random.Random(4)
    hours = [(day, day * 24 + (9 if day > 6 else 0) + chance.uniform(7, 23)) for day in range(14) for _ in range(12)]
    assert _machine([a_fact(hour * HOUR) for _, hour in sorted(hours)]) is None


def test_eight_wordings_often_enough_are_repetition_though_none_prevails() -> None:
    asked = different_questions(8) * 13
    found = _repetitive(conversation(at_human_pace(len(asked)), asked))
    assert found is not None
    assert found.pattern == "repeats_per_day"


@pytest.mark.parametrize(
    "disguise",
    ["{} #a8f3", "{} 1f", "Hi there, {} Thanks in advance!", "¡Hola! {} Gracias", "{}\u200b", "  {} 7"],
)
def test_what_is_said_around_a_question_is_no_other_question(disguise: str) -> None:
    own = "Which property makes a number prime?"
    asked = [own, disguise.format(own)] * 8
    assert _repetitive(conversation(at_human_pace(16), asked)) is not None


def test_flash_cards_are_different_questions() -> None:
    words = ["apple", "bread", "river", "cloud", "window", "garden", "mother", "winter", "street", "yellow"]
    cards = [f"Translate '{one} {other}' into formal French" for one in words for other in words if one != other]
    assert _repetitive(conversation(at_human_pace(90), cards)) is None


# bot_like_patterns


def _machine(turns: list[TurnFacts]) -> Finding | None:
    return bot_like_patterns(turns, LIMITS.bot_like_patterns)


def test_a_clock_is_a_machine() -> None:
    found = _machine([a_fact(number * 25 * MINUTE + (number * 37) % 20) for number in range(52)])
    assert found is not None
    assert found.pattern == "regular_intervals"
    assert found.strength > 0.9


def test_a_clock_with_jitter_is_a_machine() -> None:
    times = [number * 10 * MINUTE + (number * 37 % 61 - 30) / 30 * 90 for number in range(80)]
    assert _machine([a_fact(at) for at in times]) is not None


def test_a_slow_clock_is_a_machine() -> None:
    times = [number * 45 * MINUTE + (number * 37 % 61 - 30) / 30 * 5 * MINUTE for number in range(28)]
    found = _machine([a_fact(at) for at in times])
    assert found is not None
    assert (found.pattern, found.threshold) == ("regular_intervals", 0.15)


def test_a_clock_that_waits_for_the_response_is_a_machine() -> None:
    at, turns = 0.0, []
    for number in range(60):
        taken = (3, 14, 7, 29, 5)[number % 5]
        turns.append(a_fact(at, response_ms=taken * 1000))
        at += taken + 20
    assert _machine(turns) is not None


def test_a_person_keeps_no_time() -> None:
    assert _machine([a_fact(at) for at in at_human_pace(150)]) is None


def test_a_habit_by_the_hour_rests_at_night() -> None:
    turns = [a_fact(day * DAY + (9 + hour) * HOUR + (hour * day) % 7) for day in range(10) for hour in range(9)]
    assert _machine(turns) is None


def test_what_never_rests_is_a_machine() -> None:
    times = [number * 20 * MINUTE + (number * 7919) % 5400 for number in range(150)]
    found = _machine([a_fact(at) for at in sorted(times)])
    assert found is not None
    assert found.pattern == "sleepless_hours"


def test_people_in_turn_on_devices_of_their_own_may_be_awake_around_the_clock() -> None:
    turns = [
        a_fact(shift * 8 * HOUR + at, device=f"device {shift % 3}") for shift in range(9) for at in at_human_pace(40)
    ]
    assert _machine(turns) is None


def test_nobody_reads_and_types_within_a_second() -> None:
    at, turns = 0.0, []
    for number in range(40):
        taken = (3, 14, 7, 29, 5)[number % 5]
        turns.append(a_fact(at, response_ms=taken * 1000))
        at += taken + (number * 7 % 10) / 10 + 0.2
    found = _machine(turns)
    assert found is not None
    assert found.pattern in {"instant_turns", "regular_intervals"}


def test_a_program_that_says_so_is_one() -> None:
    turns = [a_fact(at)._replace(signals=int(Signal.AUTOMATED)) for at in at_human_pace(30)]
    found = _machine(turns)
    assert found is not None
    assert found.pattern == "automated_turns"


# token_abuse


def _burning(turns: list[TurnFacts]) -> Finding | None:
    return token_abuse(turns, LIMITS.token_abuse)


def test_short_questions_that_burn_tokens_are_abuse() -> None:
    sizes = (44_000, 67_000, 110_000, 83_000, 51_000)
    found = _burning([a_fact(at, tokens=sizes[number % 5]) for number, at in enumerate(at_human_pace(20))])
    assert found is not None
    assert (found.pattern, found.turns, found.strength) == ("tokens_per_day", 20, 1.0)


def test_many_small_turns_burn_no_tokens() -> None:
    assert _burning([a_fact(at, tokens=4000) for at in at_human_pace(190)]) is None


def test_a_conversation_may_grow() -> None:
    context, turns = 1000, []
    for at in at_human_pace(60):
        turns.append(a_fact(at, tokens=context, output=1200))
        context += 1300
    assert _burning(turns) is None


def test_a_long_document_explains_its_tokens() -> None:
    text = "The rivers of Europe are long, and there are many of them. " * 450
    turns = [a_fact(at, text, session=f"s{at}", tokens=18_000, output=500) for at in at_human_pace(40)]
    assert _burning(turns) is None


def test_cached_input_is_not_burnt() -> None:
    turns = [a_fact(at, session=f"s{at}", tokens=500, cached=90_000) for at in at_human_pace(40)]
    assert _burning(turns) is None


@pytest.mark.parametrize("sessions", [1, 90])
def test_tokens_add_up_whatever_a_turn_stays_below(sessions: int) -> None:
    turns = [
        a_fact(number * 600, session=f"s{number % sessions}", tokens=9_900)._replace(
            signals=int(Signal.FIRST if number < sessions else Signal.NONE)
        )
        for number in range(90)
    ]
    found = _burning(turns)
    assert found is not None
    assert found.pattern == ("tokens_all_day" if sessions == 1 else "tokens_per_day")


def test_a_document_is_read_with_many_questions() -> None:
    context, turns = 40_000, []
    for number, at in enumerate(at_human_pace(80)):
        first = Signal.FIRST if number == 0 else Signal.NONE
        turns.append(a_fact(at, tokens=context, output=400)._replace(signals=int(first)))
        context += 420
    assert _burning(turns) is None


def test_long_answers_burn_tokens_too() -> None:
    found = _burning([a_fact(at, "Write until I say stop", tokens=100, output=30_000) for at in at_human_pace(30)])
    assert found is not None


# suspicious_patterns


def _places(turns: list[TurnFacts]) -> Finding | None:
    return suspicious_patterns(sorted(turns), LIMITS.suspicious_patterns)


def _people(number: int, same_device: bool = False, start: float = 0) -> list[TurnFacts]:
    """So many people at once, each with a network and a session of their own, four turns each."""
    return [
        a_fact(
            start + person * 40 + turn * 5 * MINUTE,
            session=f"session {start} {person}",
            address=f"address {person}",
            device="phone" if same_device else f"device {person}",
        )
        for person in range(number)
        for turn in range(4)
    ]


@pytest.mark.parametrize("same_device", [True, False])
def test_one_account_in_many_places_at_once_is_suspicious(same_device: bool) -> None:
    found = _places(_people(8, same_device))
    assert found is not None
    assert (found.pattern, found.observed, found.strength) == ("at_once", 8, 1.0)


def test_three_places_again_and_again_are_suspicious() -> None:
    assert _places(_people(3)) is None
    found = _places([turn for day in range(4) for turn in _people(3, start=day * DAY)])
    assert found is not None
    assert found.pattern == "recurring_days"


def test_a_traveller_is_in_one_place_after_another() -> None:
    turns = [
        a_fact(day * DAY + at, address=f"hotel {day}", session=f"s{day}")
        for day in range(14)
        for at in at_human_pace(10)
    ]
    assert _places(turns) is None


def test_a_wandering_phone_beside_a_laptop_is_one_person() -> None:
    turns = [
        a_fact(
            at,
            address=f"cell {number}" if number % 2 else "home",
            device="phone" if number % 2 else "laptop",
            session=f"tab {number % 3}",
        )
        for number, at in enumerate(at_human_pace(60))
    ]
    assert _places(turns) is None


def test_a_classroom_and_a_family_are_behind_one_address() -> None:
    turns = [turn._replace(address="school") for turn in _people(12)]
    assert _places(turns) is None


def test_without_addresses_nothing_is_suspicious() -> None:
    assert _places([turn._replace(address="") for turn in _people(12)]) is None


def test_many_people_in_turn_are_found_over_a_week() -> None:
    turns = [
        a_fact(person * 12 * HOUR + at, address=f"address {person}", device=f"device {person}", session=f"s{person}")
        for person in range(9)
        for at in at_human_pace(8)
    ]
    found = _places(turns)
    assert found is not None
    assert (found.pattern, found.observed) == ("over_a_week", 9)


def test_pairs_with_nothing_in_common_are_counted() -> None:
    assert disjoint([("a", "1"), ("b", "1"), ("c", "1")]) == 1
    assert disjoint([("a", "1"), ("a", "2"), ("b", "1")]) == 2
    assert disjoint([]) == 0


# spam


def _spam(turns: list[TurnFacts]) -> Finding | None:
    return spam(turns, LIMITS.spam)


def test_advertisements_are_spam() -> None:
    numbers = count(10)
    texts = [f"Buy cheap followers now at http://fast{next(numbers)}.example/promo limited offer!!!" for _ in range(16)]
    found = _spam(conversation(at_human_pace(16), texts))
    assert found is not None
    assert (found.pattern, found.turns, found.strength) == ("advertisements", 16, 1.0)


def test_spam_in_unknown_words_is_known_by_its_wording() -> None:
    texts = [
        f"Tule meille ostamaan halvalla kenkiä ja laukkuja http://kauppa{number}.example/x" for number in range(14)
    ]
    found = _spam(conversation(at_human_pace(14), texts))
    assert found is not None
    assert found.pattern == "one_wording"


def test_spam_between_questions_is_spam() -> None:
    texts = [f"Win a free prize today, click http://p{number}.example" for number in range(12)]
    mixed = [text for pair in zip(texts, different_questions(12), strict=True) for text in pair]
    assert _spam(conversation(at_human_pace(24), mixed)) is not None


def test_to_ask_about_links_is_no_spam() -> None:
    texts = [f"Please summarise https://news.example/free-offers/{number} for me" for number in range(40)]
    assert _spam(conversation(at_human_pace(40), texts)) is None


def test_to_have_advertisements_written_is_no_spam() -> None:
    texts = [f"Write an ad: {number}% off, limited offer, buy now at https://shop.example!!!" for number in range(40)]
    assert _spam(conversation(at_human_pace(40), texts)) is None


def test_advertisements_are_left_to_the_rule_on_spam() -> None:
    turns = conversation(at_human_pace(20), ["Win a free prize today, click http://prize.example"] * 20)
    assert _spam(turns) is not None
    assert _repetitive(turns) is None


@pytest.mark.parametrize("judge", [_excessive, _repetitive, _machine, _burning, _places, _spam])
def test_nothing_is_found_in_nothing(judge: object) -> None:
    assert judge([]) is None  # type: ignore[operator]


def test_an_essay_with_links_and_prices_is_no_advertisement() -> None:
    essay = "The winner took the colonies as a prize; see http://history.example/{}. "
    texts = [essay.format(number) + ESSAY.format(number) * 20 for number in range(20)]
    assert _spam(conversation(at_human_pace(20), texts)) is None
