"""Behaviours of people and of abusers, generated from a seed, in the format of the recorded traffic.

    python -m bench.simulation.population --seed 1 --out DIR

writes DIR/turns.jsonl.gz, users.json and labels.json, which can be replayed and judged. What the kinds of accounts do
is in `bench.simulation.people` and `bench.simulation.abusers`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.simulation.abusers import ABUSERS
from bench.simulation.account import DEVICES, Account, Line
from bench.simulation.people import PEOPLE, classroom
from bench.simulation.texts import LANGUAGES

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
    parser = argparse.ArgumentParser(
        prog="python -m bench.simulation.population", description="Write a generated population."
    )
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
