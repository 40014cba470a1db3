"""Behaviours of people and of abusers, generated from a seed, in the format of the recorded traffic.

    python -m bench.behaviours --seed 1 --out DIR

writes DIR/turns.jsonl.gz, users.json and labels.json, which can be replayed and judged. Every kind of abuse comes in
three degrees, from blatant (0) to subtle (2); most kinds of people are there because some rule might take them for
abusers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.texts import LANGUAGES, advertiser, question, reworded

START = datetime(2026, 9, 7, tzinfo=UTC)
DAYS = 14
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0"
DEVICES = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) {_WEBKIT} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 8) {_CHROME} Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    f"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
)
PROGRAM = "python-requests/2.32.3"
Line = dict[str, Any]


@dataclass
class Account:
    """A user, what they have asked so far, and where they sit."""

    name: str
    chance: random.Random
    language: str = "en"
    address: str = ""
    device: str = DEVICES[0]
    lines: list[Line] = field(default_factory=list)

    def ask(self, at: datetime, session: str, **changes: Any) -> float:
        """Asks at `at`; returns the seconds that the response took."""
        taken = int(self.chance.lognormvariate(8, 0.7))
        line = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "user": self.name,
            "session": f"{self.name}-{session}",
            "query": question(self.chance, self.language),
            "language": self.language,
            "response": "…",
            "category": "science",
            "citations": [],
            "personality": "socrates",
            "response_quality": "high",
            "model": "gpt-4o",
            "input_tokens": self.chance.choice((400, 1000, 1300, 4000)) + self.chance.randint(0, 150),
            "output_tokens": self.chance.randint(30, 600),
            "response_time_ms": taken,
            "user_rating": None,
            "was_helpful": None,
            "bookmark": False,
            "share": False,
            "ip": self.address,
            "user_agent": self.device,
        }
        self.lines.append(line | changes)
        return taken / 1000

    def sit(self, start: datetime, turns: int, gap: Callable[[], float], session: str = "", **changes: Any) -> datetime:
        """Asks `turns` times, each `gap` seconds after the last response. A change that can be called is, each time."""
        at, session = start, session or f"s{start:%m%d%H%M%S}"
        for _ in range(turns):
            at += timedelta(seconds=gap())
            made = {name: change() if callable(change) else change for name, change in changes.items()}
            at += timedelta(seconds=self.ask(at, session, **made))
        return at

    def human_gap(self, median: float = 70, spread: float = 0.85) -> Callable[[], float]:
        return lambda: max(2.0, self.chance.lognormvariate(math.log(median), spread))

    def some_address(self, net: int = 10) -> str:
        return f"{net}.{self.chance.randint(0, 255)}.{self.chance.randint(0, 255)}.{self.chance.randint(1, 254)}"

    def hour(self, day: int, earliest: float = 7, latest: float = 23) -> datetime:
        return START + timedelta(days=day, hours=self.chance.uniform(earliest, latest))

    def live(self, day: int, turns: int, **changes: Any) -> None:
        """A person's day: so many turns in sittings between getting up and going to bed."""
        while turns > 0:
            sitting = min(turns, self.chance.randint(2, 12))
            self.sit(self.hour(day), sitting, self.human_gap(), **changes)
            turns -= sitting

    def days(self, count: int) -> list[int]:
        return sorted(self.chance.sample(range(DAYS), count))


def normal(account: Account) -> None:
    for day in account.days(account.chance.randint(3, DAYS)):
        account.live(day, account.chance.randint(1, 14))


def heavy(account: Account) -> None:
    for day in range(DAYS):
        account.live(day, min(105, int(account.chance.lognormvariate(3, 0.8)) + 1))


def ritual(account: Account) -> None:
    """One question every morning, or at five times of the day, and now and then another."""
    own, times = question(account.chance, account.language), account.chance.choice((1, 2, 5))
    for day in range(DAYS):
        for hour in (6.0, 19.0, 12.5, 15.5, 21.0)[:times]:
            at = START + timedelta(days=day, hours=account.chance.gauss(hour, 0.15))
            account.sit(at, 1, account.human_gap(20), query=own)
        account.live(day, account.chance.randint(0, 3))


def retrying(account: Account) -> None:
    """Sends a question again until the answer pleases."""
    normal(account)
    for day in account.days(4):
        again = question(account.chance, account.language)
        account.sit(account.hour(day), account.chance.randint(3, 8), account.human_gap(25), query=again)


def continuing(account: Account) -> None:
    """Writes a novel with the model: `continue`, and now and then a wish."""
    wishes = ("continue", "continue", "Continue.", "go on", "yes", "more")
    for day in account.days(8):
        account.sit(account.hour(day), 30, account.human_gap(90), query=lambda: account.chance.choice(wishes))
        account.live(day, 12)


def drilling(account: Account) -> None:
    """Learns by heart: one frame, other words, at the pace of flash cards."""
    words = ("apple", "bread", "river", "cloud", "window", "garden", "mother", "winter", "street", "yellow", "silver")

    def card() -> str:
        pair = account.chance.sample(words, 2)
        return f"Translate '{pair[0]} {pair[1]}' into formal French"

    for day in account.days(6):
        account.sit(account.hour(day, 15, 20), account.chance.randint(20, 45), account.human_gap(22, 0.4), query=card)


def by_habit(account: Account) -> None:
    """Asks on every working hour, nearly to the minute."""
    for day in (day for day in range(DAYS) if day % 7 < 5):
        for hour in range(9, 18):
            account.ask(START + timedelta(days=day, hours=hour, minutes=account.chance.gauss(30, 3)), f"d{day}")


def pasting(account: Account) -> None:
    """Works off a list of questions, one after the other, for an hour."""
    for day in account.days(5):
        account.sit(account.hour(day, 9, 17), account.chance.randint(20, 35), account.human_gap(14, 0.5))


def owl(account: Account) -> None:
    """Up for 22 hours before an examination, twice."""
    normal(account)
    for day in (3, 10):
        at = START + timedelta(days=day, hours=6)
        while at < START + timedelta(days=day + 1, hours=4):
            at = account.sit(at, account.chance.randint(1, 6), account.human_gap())
            at += timedelta(hours=account.chance.uniform(0.5, 2.8))


def travelling(account: Account) -> None:
    """Another network every day and a phone beside the laptop."""
    for day in account.days(12):
        hotel, mobile = account.some_address(), account.some_address(172)
        for _ in range(3):
            at = account.hour(day)
            account.sit(at, account.chance.randint(2, 6), account.human_gap(), f"l{day}", ip=hotel)
            account.sit(
                at, account.chance.randint(2, 6), account.human_gap(), f"p{day}", ip=mobile, user_agent=DEVICES[2]
            )


def mobile(account: Account) -> None:
    """A phone whose carrier gives it another address every few minutes, beside a laptop at home, with several tabs."""
    for day in account.days(10):
        at = account.hour(day)
        sessions = [f"t{day}-{tab}" for tab in range(3)]
        for _ in range(12):
            where = {"ip": account.address} if account.chance.random() < 0.4 else {"ip": account.some_address(100)}
            device = DEVICES[0] if where["ip"] == account.address else DEVICES[3]
            at += timedelta(seconds=account.human_gap(120)())
            account.ask(at, account.chance.choice(sessions), user_agent=device, **where)


def family(account: Account) -> None:
    """Four people on four devices at home; on weekends two of them on their phones outside."""
    for day in range(DAYS):
        for person in range(4):
            where = account.some_address(100) if day % 7 > 4 and person < 2 else account.address
            at = START + timedelta(days=day, hours=19, minutes=account.chance.uniform(0, 40))
            turns = account.chance.randint(0, 5)
            account.sit(at, turns, account.human_gap(), f"f{day}-{person}", ip=where, user_agent=DEVICES[person])


def analysing(account: Account) -> None:
    """Pastes long documents, and asks about them in a conversation that grows."""
    for day in account.days(8):
        context = 0
        at = account.hour(day, 9, 16)
        for turn in range(account.chance.randint(8, 25)):
            pasted = account.chance.randint(6_000, 30_000) if turn % 8 == 0 else 80
            text = " ".join(question(account.chance, "en") for _ in range(max(1, pasted // 60)))[:30_000]
            output = account.chance.randint(200, 1500)
            context += len(text) // 4 + 300
            at += timedelta(seconds=account.human_gap(100)())
            account.ask(at, f"a{day}", query=text, input_tokens=context, output_tokens=output)
            context += output


def marketing(account: Account) -> None:
    """Has advertisements written, and links explained."""
    asks = (
        "Write a promo email for our spring sale, 20% off, with a link to https://shop{}.example/sale",
        "Draft three ad headlines: free trial, sign up today, limited offer, number {}",
        "Summarise https://news{}.example/article for me",
        "Is this spam? 'You are a winner, click http://prize{}.example now!!!'",
        "Please improve this slogan: best coffee deals in town, {} flavours",
    )
    for day in account.days(9):
        account.live(day, 10, query=lambda: account.chance.choice(asks).format(account.chance.randint(1, 999)))


PEOPLE: Mapping[str, tuple[Callable[[Account], None], int]] = {
    "normal": (normal, 60),
    "heavy-human": (heavy, 10),
    "ritual": (ritual, 8),
    "retrying": (retrying, 5),
    "continuing": (continuing, 4),
    "drilling": (drilling, 5),
    "habit": (by_habit, 4),
    "pasting": (pasting, 5),
    "owl": (owl, 4),
    "traveller": (travelling, 5),
    "mobile": (mobile, 5),
    "family": (family, 5),
    "analyst": (analysing, 5),
    "marketer": (marketing, 5),
}


def classroom(pupils: list[Account]) -> None:
    """One teacher's questions, one address, all at the same time."""
    address, chance = pupils[0].some_address(192), pupils[0].chance
    for day in range(0, DAYS, 3):
        asked = [question(chance, "en") for _ in range(8)]
        for pupil in pupils:
            at = START + timedelta(days=day, hours=9, seconds=pupil.chance.uniform(0, 300))
            turns = iter(asked)
            pupil.sit(at, len(asked), pupil.human_gap(50, 0.6), ip=address, query=lambda turns=turns: next(turns))


def excessive(account: Account, degree: int) -> None:
    for day in account.days((4, 3, 3)[degree]):
        account.live(day, (380, 270, 190)[degree])


def repetitive(account: Account, degree: int) -> None:
    own, numbers = question(account.chance, account.language), iter(range(10_000))
    while len(own.encode()) < 24:
        own = question(account.chance, account.language)

    def ask() -> str:
        if account.chance.random() < (0.35, 0.4, 0.5)[degree]:
            return question(account.chance, account.language)
        return reworded(account.chance, own, next(numbers), subtle=degree == 2)

    for day in account.days((4, 5, 6)[degree]):
        account.sit(account.hour(day, 8, 18), (45, 36, 40)[degree], account.human_gap(60), query=ask)


def machine(account: Account, degree: int) -> None:
    """A clock with jitter; or, of the subtle ones, one that knows no night, or one that does not read."""
    style = account.chance.choice(("clock", "clock", "sleepless", "instant")) if degree == 2 else "clock"
    if account.chance.random() < (0.6, 0.3, 0)[degree]:
        account.device = PROGRAM
    if style == "clock":
        period, jitter = account.chance.choice((180, 600, 1500)), (0.02, 0.15, 0.3)[degree]
        for day in account.days(3):
            turns = int(min(20 * 3600 / period, 110))
            start = START + timedelta(days=day, hours=account.chance.uniform(0, 3))
            for turn in range(turns):
                if account.chance.random() > 0.05 * degree:
                    seconds = period * (turn + account.chance.uniform(-jitter, jitter))
                    account.ask(start + timedelta(seconds=seconds), f"b{day}")
    elif style == "sleepless":
        at = START + timedelta(days=2)
        while at < START + timedelta(days=5):
            at += timedelta(seconds=account.chance.expovariate(1 / 1500))
            account.ask(at, f"b{at.day}")
    else:
        for day in account.days(3):
            account.sit(account.hour(day), 45, lambda: account.chance.uniform(0.2, 1.8))


def burning(account: Account, degree: int) -> None:
    median = (80_000, 45_000, 28_000)[degree]
    for day in account.days(4):
        account.sit(
            account.hour(day, 8, 20),
            account.chance.randint(22, 32),
            account.human_gap(95, 0.5),
            input_tokens=lambda: int(median * account.chance.uniform(0.5, 1.5)),
            output_tokens=lambda: account.chance.randint(1500, 4000),
        )


def shared(account: Account, degree: int) -> None:
    """Many people with one password; of the middle degree all have the same kind of device."""
    people = [(account.some_address(), account.chance.choice(DEVICES)) for _ in range((14, 8, 6)[degree])]
    for day in account.days((4, 5, 6)[degree]):
        start = account.hour(day, 12, 20)
        for number, (address, device) in enumerate(people):
            at = start + timedelta(minutes=account.chance.uniform(0, 25))
            used = DEVICES[0] if degree == 1 else device
            turns = account.chance.randint(2, 7)
            account.sit(at, turns, account.human_gap(80), f"x{day}-{number}", ip=address, user_agent=used)


def spamming(account: Account, degree: int) -> None:
    advertise = advertiser(account.chance, (3, 4, 5)[degree])

    def ask() -> str:
        if account.chance.random() < (0.0, 0.25, 0.5)[degree]:
            return question(account.chance, account.language)
        return advertise()

    for day in account.days((4, 4, 5)[degree]):
        account.sit(account.hour(day), (18, 14, 12)[degree], account.human_gap(60), query=ask)


ABUSERS: Mapping[str, tuple[str, Callable[[Account, int], None]]] = {
    "excessive": ("excessive_usage", excessive),
    "repetitive": ("repetitive_queries", repetitive),
    "bot": ("bot_like_patterns", machine),
    "token": ("token_abuse", burning),
    "shared-account": ("suspicious_patterns", shared),
    "spam": ("spam", spamming),
}
ABUSERS_OF_A_DEGREE = 2


def population(seed: int) -> tuple[list[Line], dict[str, dict[str, Any]]]:
    """The turns of a population in time order, and its labels."""
    labels: dict[str, dict[str, Any]] = {}
    lines: list[Line] = []
    for kind, flags, accounts in _groups(seed, labels):
        for account in accounts:
            labels[account.name] = {"kind": kind, "abusive": bool(flags), "flags": flags}
            lines += account.lines
    return sorted(lines, key=lambda line: (line["at"], line["user"])), labels


def _groups(seed: int, taken: Mapping[str, Any]) -> Iterator[tuple[str, list[str], list[Account]]]:
    """The accounts of each kind, when they have done what they do."""

    def account() -> Account:
        number = len(taken)
        chance = random.Random(f"{seed}/{number}")
        address, device = f"203.0.{chance.randint(0, 255)}.{chance.randint(1, 254)}", chance.choice(DEVICES)
        return Account(f"seed{seed}-{number:04}", chance, chance.choice(("en", *LANGUAGES)), address, device)

    for kind, (live, count) in PEOPLE.items():
        for _ in range(count):
            person = account()
            live(person)
            yield kind, [], [person]
    pupils = []
    for seat in range(12):
        pupil = account()
        pupil.name += f"-{seat}"
        pupil.chance = random.Random(pupil.name)
        pupils.append(pupil)
    classroom(pupils)
    yield "classroom", [], pupils
    for kind, (flag, abuse) in ABUSERS.items():
        for degree in (0, 1, 2):
            for _ in range(ABUSERS_OF_A_DEGREE):
                abuser = account()
                abuse(abuser, degree)
                yield f"{kind}-{degree}", [flag], [abuser]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.behaviours", description="Write a generated population.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lines, labels = population(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with gzip.open(arguments.out / "turns.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    users = [
        {
            "user": name,
            "email": f"{name}@mail.example",
            "name": name,
            "given_name": name,
            "family_name": "Generated",
            "timezone": "UTC",
            "preferred_language": "en",
        }
        for name in labels
    ]
    (arguments.out / "users.json").write_text(json.dumps(users))
    (arguments.out / "labels.json").write_text(json.dumps(labels))


if __name__ == "__main__":
    main()
