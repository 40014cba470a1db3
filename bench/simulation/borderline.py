"""People whose use looks like abuse, and abusers who stay below what single rules look at, with what people really ask.

Drawn from wide ranges, and not from the rules' thresholds. The questions come from files of prompts
(`*.jsonl.gz`, a `prompt` or `turns` a line), which are not part of the project.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from bench.simulation.account import DAYS, DEVICES, START, Account

FRAMES = (
    "What does the word '{}' mean? Answer with a short definition and an example sentence.",
    "Define: {}",
    "¿Cómo se dice «{}» en inglés?",
    "Quiz me on {}. Ask one question and wait.",
    "What is {} times 7?",
    "{}?",
)
GO_ON = (
    "yes please go on",
    "Please continue the story",
    "ok, next chapter please",
    "keep going, this is great",
    "sí, continúa por favor",
    "ja bitte weiter",
    "да, продолжай пожалуйста",
    "हाँ कृपया आगे बढ़ें",
    "请继续讲下去",
    "oui, continue s'il te plaît",
    "continue writing from where you left off",
    "Go on!",
    "tell me more about that",
)
PROGRAMS = (
    "node",
    "undici",
    "OpenAI/JS 4.52.0",
    "Deno/1.45.2",
    "Bun/1.1.20",
    "okhttp/4.12.0",
    "Java/17.0.11",
    "k6/0.52.0",
    "RestSharp/112.0.0.0",
    "got (https://github.com/sindresorhus/got)",
    "axios/1.7.2",
    "reqwest/0.12.5",
)
MANNERS = ("briefly", "simply", "honestly", "carefully", "today", "really", "exactly", "overall")

Prompts = list[str]
Behaviour = Callable[[Account, Prompts], None]


def read_prompts(folder: Path) -> Prompts:
    """The prompts of all files in a folder."""
    found: Prompts = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                found += line.get("turns") or [line["prompt"]]
    return found


def _essay(account: Account, prompts: Prompts, least: int = 300, most: int = 6000) -> str:
    """A text of somebody's, as long as that in characters."""
    length, text = account.chance.randint(least, most), ""
    while len(text) < length:
        text += account.chance.choice(prompts) + " "
    return text[:length]


def teacher(account: Account, prompts: Prompts) -> None:
    """One prompt, before or after each of a class's essays; of some, longer than an essay."""
    instruction = _essay(account, prompts, 60, 5000)
    for day in account.days(3):
        for _ in range(account.chance.randint(20, 32)):
            essay, first = _essay(account, prompts), account.chance.random() < 0.7
            text = f"{instruction}\n\n{essay}" if first else f"{essay}\n\n{instruction}"
            account.sit(account.hour(day, 15, 21), 1, account.human_gap(60), f"e{day}", query=text)


def learner(account: Account, prompts: Prompts) -> None:
    """Flash cards: one frame, other words, and each card again until it is known."""
    frame = account.chance.choice(FRAMES)
    words = sorted({word.strip(".,?!:;'\"()") for prompt in prompts for word in prompt.split() if 3 < len(word) < 12})
    deck = account.chance.sample(words, account.chance.randint(25, 80))
    for day in account.days(account.chance.randint(5, 12)):
        account.sit(
            account.hour(day, 7, 22),
            account.chance.randint(15, 60),
            account.human_gap(20, 0.5),
            query=lambda: frame.format(account.chance.choice(deck)),
        )


def coder(account: Account, prompts: Prompts) -> None:
    """The same rules of a project around each task."""
    rules = (
        "You are a senior engineer. Use TypeScript, strict mode, no classes, tests first. "
        * account.chance.randint(1, 40)
    )
    after = account.chance.choice(("", "\nAnswer with code only, no explanation. Follow our style guide."))
    for day in account.days(9):
        account.live(
            day,
            account.chance.randint(10, 60),
            query=lambda: f"{rules}\nTask: {account.chance.choice(prompts)[:300]}{after}",
        )


def unlucky(account: Account, prompts: Prompts) -> None:
    """Asks again after answers that failed, until one comes."""
    for day in account.days(4):
        own = account.chance.choice(prompts)
        at = account.sit(
            account.hour(day),
            account.chance.randint(8, 30),
            account.human_gap(15, 0.5),
            query=own,
            response_quality="fallback",
            response="",
            output_tokens=0,
        )
        account.sit(at, 1, account.human_gap(), query=own)
        account.live(day, account.chance.randint(2, 10), query=lambda: account.chance.choice(prompts))


def listener(account: Account, prompts: Prompts) -> None:
    """Has a long story told, and says no more than to go on."""
    words = account.chance.choice(GO_ON)
    for day in account.days(5):
        at = account.sit(account.hour(day), 1, account.human_gap(), f"t{day}", query=account.chance.choice(prompts))
        account.sit(at, account.chance.randint(10, 25), account.human_gap(80), f"t{day}", query=words)


def reader(account: Account, prompts: Prompts) -> None:
    """Long documents, pasted or attached, one after the other, with the same words or none."""
    attached, words = account.chance.random() < 0.6, account.chance.choice(("Summarise this document", "tl;dr"))
    for day in account.days(4):
        at = account.hour(day, 8, 14)
        for number in range(account.chance.randint(8, 16)):
            tokens = account.chance.randint(7_000, 120_000)
            text = words if attached else f"{words}: {_essay(account, prompts, 20_000, 31_000)}"
            taken = account.chance.randint(300, 1500)
            at += timedelta(seconds=account.human_gap(240)())
            size = tokens if attached else min(tokens, len(text) // 4 + 200)
            account.ask(at, f"d{day}-{number}", query=text, input_tokens=size, output_tokens=taken)


def student(account: Account, prompts: Prompts) -> None:
    """One document, and question after question about it, sent along each time."""
    for day in account.days(5):
        document, at = account.chance.randint(5_000, 40_000), account.hour(day)
        history = document
        for _ in range(account.chance.randint(10, 30)):
            text, answered = account.chance.choice(prompts)[:200], account.chance.randint(100, 700)
            at += timedelta(seconds=account.human_gap(90)())
            account.ask(at, f"u{day}", query=text, input_tokens=history + len(text) // 4, output_tokens=answered)
            history += len(text) // 4 + answered


def sleepless_parent(account: Account, prompts: Prompts) -> None:
    """Up at odd hours for two weeks, asleep in pieces."""
    for day in range(DAYS):
        for hour in (1, 4, 9, 13, 17, 21):
            if account.chance.random() < 0.7:
                at = START + timedelta(days=day, hours=hour + account.chance.uniform(-0.5, 1))
                account.sit(at, account.chance.randint(1, 3), account.human_gap(), query=account.chance.choice(prompts))


def globetrotter(account: Account, prompts: Prompts) -> None:
    """Lives by another clock in the second week."""
    for day in range(DAYS):
        shift = 0 if day < 7 else 9
        for _ in range(account.chance.randint(3, 8)):
            at = account.hour(day, 7 + shift, 22 + shift)
            account.sit(at, account.chance.randint(1, 4), account.human_gap(), query=account.chance.choice(prompts))


def busy(account: Account, prompts: Prompts) -> None:
    """Whatever people really ask, a lot of it."""
    for day in account.days(12):
        account.live(day, account.chance.randint(10, 90), query=lambda: account.chance.choice(prompts))


def paraphrasing(account: Account, prompts: Prompts) -> None:
    """Eight wordings of one question at random times, day and night."""
    own = account.chance.choice([prompt for prompt in prompts if 30 < len(prompt) < 300])
    wordings = [f"{own} {manner}" for manner in MANNERS]
    rate = account.chance.choice((18, 24, 40, 80, 120))
    for _ in range(rate * DAYS):
        at = START + timedelta(days=account.chance.uniform(0, DAYS))
        account.ask(at, f"p{at:%d}", query=account.chance.choice(wordings))
    account.lines.sort(key=lambda line: str(line["at"]))


def just_below(account: Account, prompts: Prompts) -> None:
    """Tokens just below what once made a turn heavy, all day, in one session or in many."""
    one, tokens = account.chance.random() < 0.5, account.chance.choice((9_900, 9_500, 8_800))
    for day in account.days(5):
        for number in range(account.chance.randint(80, 140)):
            at = account.hour(day, 6, 24)
            session = f"j{day}" if one else f"j{day}-{number}"
            account.ask(at, session, query=account.chance.choice(prompts)[:80], input_tokens=tokens)
    account.lines.sort(key=lambda line: str(line["at"]))


def scripted(account: Account, prompts: Prompts) -> None:
    """A program in another language, at a person's pace."""
    account.device = account.chance.choice(PROGRAMS)
    for day in account.days(5):
        account.live(day, account.chance.randint(20, 60), query=lambda: account.chance.choice(prompts))


PEOPLE: Mapping[str, Behaviour] = {
    "teacher": teacher,
    "learner": learner,
    "coder": coder,
    "unlucky": unlucky,
    "listener": listener,
    "reader": reader,
    "student": student,
    "sleepless-parent": sleepless_parent,
    "globetrotter": globetrotter,
    "busy": busy,
}
ABUSERS: Mapping[str, Behaviour] = {"paraphrasing": paraphrasing, "just-below": just_below, "scripted": scripted}


def doubtful(seed: int, prompts: Prompts) -> Iterator[tuple[str, bool, Account]]:
    """One account of each kind, when it has done what it does, and whether it is an abuser's."""
    for kind, behave in (*PEOPLE.items(), *ABUSERS.items()):
        chance = random.Random(f"doubtful/{seed}/{kind}")
        account = Account(f"{kind}-{seed}", chance, "en", f"198.51.100.{seed}", chance.choice(DEVICES))
        behave(account, prompts)
        yield kind, kind in ABUSERS, account
