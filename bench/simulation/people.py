"""How people behave. Most kinds are there because some rule might take them for abusers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from bench.simulation.account import DAYS, DEVICES, START, Account
from bench.simulation.texts import question


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
