"""How well are abusive accounts told from others? Precision and recall of the rules, by rule and over all.

    python -m bench abuse FILE.jsonl.gz --users users.json --labels labels.json [--seeds 5] [--prompts FOLDER]

Judges recorded traffic, a generated population of several seeds, and, with prompts of people, borderline behaviours
(`bench.simulation.borderline`), where not one person may be flagged. Each user's turns come in batches of uneven size,
and every state on the way is judged, as the fold does. Lists what was judged wrongly, with the evidence.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from bench.simulation import shared_addresses as gatherings
from bench.simulation.borderline import doubtful, read_prompts
from bench.simulation.population import population
from models.accounts.finding import Finding, Rule
from models.chat.facts import facts_of
from models.chat.interaction import UserInteraction
from models.core.user_agent import parse_user_agent
from models.risk.facts import TurnFacts
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.risk.window import RiskWindow

RULES: tuple[Rule, ...] = get_args(Rule)
WORST_KINDS = ("heavy-human", "ritual", "classroom")
_NAMESPACE = uuid.UUID("0b0a7c9e-5f0e-5c0f-8a55-76696d617273")
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What was found in one user, beside what is true."""

    user: str
    kind: str
    flags: frozenset[str]
    window: RiskWindow

    @property
    def found(self) -> frozenset[str]:
        return frozenset(self.window.findings)

    @property
    def flagged(self) -> bool:
        return self.window.decision != "nothing"


@dataclass(frozen=True)
class Quality:
    """Precision, recall and F1, with what they come from."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0

    def __str__(self) -> str:
        counts = f"({self.right} right, {self.wrong} wrong, {self.missed} missed)"
        return f"precision {self.precision:.3f}  recall {self.recall:.3f}  F1 {self.f1:.3f}  {counts}"


def facts_of_line(line: Line, sequence: int) -> TurnFacts:
    """The facts of a turn in the format of the recorded traffic, the so-manieth of its session."""
    client = parse_user_agent(line.get("user_agent"))
    user, session = (str(uuid.uuid5(_NAMESPACE, line[name])) for name in ("user", "session"))
    address = hashlib.sha256(line["ip"].encode()).hexdigest()[:32] if line.get("ip") else None
    return facts_of(
        UserInteraction(
            id=str(uuid.uuid5(_NAMESPACE, f"{line['session']}/{line['at']}")),
            partition_key=user,
            user_id=user,
            session_id=session,
            interaction_sequence=sequence,
            timestamp=datetime.fromisoformat(line["at"]).astimezone(UTC),
            timezone="UTC",
            response_time_ms=line["response_time_ms"],
            user_query=line["query"],
            user_query_length=len(line["query"]),
            user_query_language=line["language"],
            query_category=line["category"],
            query_complexity="simple",
            personality_used=line["personality"],
            response_text="",
            response_length=len(line["response"]),
            response_quality=line["response_quality"],
            model_used=line["model"],
            input_tokens=line["input_tokens"],
            output_tokens=line["output_tokens"],
            total_tokens=line["input_tokens"] + line["output_tokens"],
            cost_usd=None,
            cost_nano_usd=None,
            price_version="",
            ip_address=address,
            device_type=client.device_type,
            browser=client.browser,
            platform=client.platform,
            request_hash="",
        )
    )


def judge(lines: Iterable[Line], labels: Mapping[str, Mapping[str, Any]], settings: RiskSettings) -> list[Verdict]:
    """A verdict on each user, from their turns in batches of 1 to 40."""
    by_user: dict[str, list[TurnFacts]] = defaultdict(list)
    turns: Counter[str] = Counter()
    for line in sorted(lines, key=lambda line: str(line["at"])):
        turns[line["session"]] += 1
        by_user[line["user"]].append(facts_of_line(line, turns[line["session"]]))
    verdicts = []
    for user, facts in sorted(by_user.items()):
        window = RiskWindow.empty(str(uuid.uuid5(_NAMESPACE, user)))
        for batch in _batches(sorted(facts), random.Random(user)):
            window = judged(window.with_turns(batch), settings)
        verdicts.append(Verdict(user, labels[user]["kind"], frozenset(labels[user]["flags"]), window))
    return verdicts


def _batches(turns: Sequence[TurnFacts], chance: random.Random) -> Iterator[Sequence[TurnFacts]]:
    start = 0
    while start < len(turns):
        end = start + chance.randint(1, 40)
        yield turns[start:end]
        start = end


def quality(verdicts: Sequence[Verdict], rule: str | None = None) -> Quality:
    """Of a rule: users with its finding against users with its label. Over all: flagged users against labelled ones."""

    def is_so(verdict: Verdict) -> bool:
        return rule in verdict.flags if rule else bool(verdict.flags)

    def is_found(verdict: Verdict) -> bool:
        return rule in verdict.found if rule else verdict.flagged

    pairs = Counter((is_so(verdict), is_found(verdict)) for verdict in verdicts)
    return Quality(pairs[True, True], pairs[False, True], pairs[True, False])


def report(title: str, verdicts: Sequence[Verdict]) -> bool:
    """Prints the figures and the wrong ones. Returns whether they are as good as they should be."""
    overall = quality(verdicts)
    print(f"\n{title}: {len(verdicts)} users, {sum(bool(v.flags) for v in verdicts)} abusive")
    for rule in RULES:
        print(f"  {rule:20} {quality(verdicts, rule)}")
    print(f"  {'overall':20} {overall}")
    for verdict in verdicts:
        if verdict.found != verdict.flags:
            evidence = [_told(found) for found in verdict.window.findings.values()] or ["nothing found"]
            print(f"    {verdict.user} ({verdict.kind}) score {verdict.window.score}: {'; '.join(evidence)}")
    spared = not any(verdict.flagged for verdict in verdicts if verdict.kind in WORST_KINDS)
    return overall.f1 >= 0.97 and spared


def _told(found: Finding) -> str:
    return f"{found.rule} {found.strength:.2f}: {found.summary}"


def judge_doubtful(seeds: int, prompts: Sequence[str]) -> bool:
    """Prints, by kind, how many accounts are flagged. Whether that is none of the people's and all of the abusers'."""
    flagged, abusers = Counter[str](), set[str]()
    for seed in range(1, seeds + 1):
        for kind, is_abuser, account in doubtful(seed, list(prompts)):
            label = {account.name: {"kind": kind, "flags": []}}
            (verdict,) = judge(account.lines, label, RiskSettings())
            flagged[kind] += verdict.flagged
            abusers |= {kind} if is_abuser else set()
            if verdict.flagged != is_abuser:
                print(f"    {account.name}: {'; '.join(map(_told, verdict.window.findings.values())) or 'not flagged'}")
    for kind in (*gatherings.PEOPLE, *gatherings.ABUSERS):
        flagged[kind] += sum(gatherings.is_seen(kind, seed) for seed in range(1, seeds + 1))
    abusers |= gatherings.ABUSERS.keys()
    print(f"\ndoubtful behaviours, {seeds} seeds: accounts flagged")
    for kind, count in flagged.items():
        print(f"  {kind:20} {count:3} {'of an abuser' if kind in abusers else 'of a person'}")
    return all(count == (seeds if kind in abusers else 0) for kind, count in flagged.items())


def read_lines(path: Path) -> list[Line]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench abuse", description="Precision and recall of abuse.")
    parser.add_argument("turns", type=Path, nargs="?")
    parser.add_argument("--users", type=Path, help="who the traffic is of; the ones without a turn are not judged")
    parser.add_argument("--labels", type=Path, help="what is true of them")
    parser.add_argument("--seeds", type=int, default=5, help="how many generated populations to judge (default 5)")
    parser.add_argument("--prompts", type=Path, help="folder with prompts of people: judge doubtful behaviours, too")
    parser.add_argument("--doubtful-seeds", type=int, default=30, help="how many of them of each kind (default 30)")
    arguments = parser.parse_args()
    good: list[bool] = []
    if arguments.turns:
        labels = json.loads(arguments.labels.read_text())
        started = time.perf_counter()
        lines = read_lines(arguments.turns)
        good.append(report(arguments.turns.name, judge(lines, labels, RiskSettings())))
        print(f"  {(time.perf_counter() - started) / len(lines) * 1e3:.2f} ms per turn")
    generated: list[Verdict] = []
    for seed in range(1, arguments.seeds + 1):
        generated += judge(*population(seed), RiskSettings())
    if generated:
        good.append(report(f"generated, {arguments.seeds} seeds", generated))
    if arguments.prompts:
        good.append(judge_doubtful(arguments.doubtful_seeds, read_prompts(arguments.prompts)))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
