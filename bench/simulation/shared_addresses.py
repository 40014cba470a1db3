"""Accounts at one address: people who share it, and one who multiplies accounts, in ranges that are not the rule's."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from bench.simulation.account import DAYS, DEVICES, START, Account
from models.counting.bucket import Sums
from models.risk.thresholds import PlaceLimits
from models.risk.together import accounts_together, addresses, contribution

Gathering = Callable[[random.Random], list[Account]]


def _accounts(chance: random.Random, count: int) -> list[Account]:
    return [
        Account(f"a{number}", random.Random(chance.random()), "en", "home", chance.choice(DEVICES))
        for number in range(count)
    ]


def classroom(chance: random.Random) -> list[Account]:
    """A lesson, or a day of exercises, of 15 to 35 pupils."""
    pupils = _accounts(chance, chance.randint(15, 35))
    for day in range(0, DAYS, 3):
        exercises = chance.randint(5, 35)
        for pupil in pupils:
            pupil.live(day, pupil.chance.randint(exercises // 2, exercises))
    return pupils


def office(chance: random.Random) -> list[Account]:
    """People at work, of whom few ask much."""
    people = _accounts(chance, chance.randint(5, 120))
    for person in people:
        usual = person.chance.lognormvariate(2.3, 0.9)
        for day in (day for day in range(DAYS) if day % 7 < 5):
            person.live(day, min(110, int(usual * person.chance.lognormvariate(0, 0.4))))
    return people


def residence(chance: random.Random) -> list[Account]:
    """Students behind one address, some of them at night."""
    people = _accounts(chance, chance.randint(20, 150))
    for person in people:
        late = person.chance.uniform(0, 6)
        for day in range(DAYS):
            for _ in range(person.chance.randint(0, 4)):
                at = person.hour(day, 8 + late, 22 + late)
                person.sit(at, person.chance.randint(1, 12), person.human_gap())
    return people


def team(chance: random.Random) -> list[Account]:
    """A few who all ask much: developers with an assistant."""
    people = _accounts(chance, chance.randint(3, 9))
    for person in people:
        usual = person.chance.uniform(15, 60)
        for day in (day for day in range(DAYS) if day % 7 < 5):
            person.live(day, int(usual * person.chance.uniform(0.4, 1.3)))
    return people


def ring(chance: random.Random) -> list[Account]:
    """One who has twelve accounts or so, each below the limits: all day, or as much as goes unseen."""
    accounts = _accounts(chance, chance.randint(8, 14))
    by_night = chance.random() < 0.5
    turns = chance.randint(35, 60) if by_night else chance.randint(80, 140)
    for account in accounts:
        for day in range(DAYS):
            for number in range(turns + chance.randint(-10, 5)):
                hour = chance.uniform(0, 24) if by_night else chance.uniform(8, 22)
                account.ask(START + timedelta(days=day, hours=hour), f"r{day}-{number // 10}")
    return accounts


PEOPLE: Mapping[str, Gathering] = {"classroom": classroom, "office": office, "residence": residence, "team": team}
ABUSERS: Mapping[str, Gathering] = {"ring": ring}


def days(accounts: list[Account]) -> Iterator[Sums]:
    """What the address holds on each day."""
    own: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for account in accounts:
        for line in account.lines:
            at = str(line["at"])
            own[at[:10], account.name].update(["interactions", "address:home", f"hour:{int(at[11:13])}"])
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for (day, name), sums in own.items():
        for address in addresses(sums):
            held[day].update(contribution(name, address, sums))
    yield from (dict(sums) for sums in held.values())


def is_seen(kind: str, seed: int) -> bool:
    """Whether a gathering of this kind is taken for one person's accounts on any day."""
    made = {**PEOPLE, **ABUSERS}[kind](random.Random(f"{kind}/{seed}"))
    return any(accounts_together(sums, PlaceLimits()) for sums in days(made))
