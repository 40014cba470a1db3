"""How abusers behave, in three degrees each, from blatant (0) to subtle (2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from bench.simulation.account import DEVICES, START, Account
from bench.simulation.texts import advertiser, question, reworded

PROGRAM = "python-requests/2.32.3"


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
