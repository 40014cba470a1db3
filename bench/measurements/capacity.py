"""Capacity and cost on paper, for any number of users: formulas over what was measured and what is assumed.

    python -m bench capacity              # the tables of docs/capacity.md, as Markdown
    python -m bench capacity --write      # puts them there
    python -m bench capacity --measure    # the sizes of documents anew, over the sample data

Nothing here talks to Azure. Each figure of `Need` says its formula; units are in the names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import ceil, log2
from pathlib import Path
from typing import Any, get_type_hints

from bench.measurements.capacity_inputs import (
    ASSUMED,
    LIMITS,
    MEASURED,
    PRICES,
    SIZES,
    Assumed,
    Limits,
    Measured,
    Prices,
)
from bench.measurements.document_sizes import measured_sizes
from models.core.pseudonyms import DEFAULT_SHARDS, MAX_SHARDS

DAY_SECONDS = 86_400
MONTH_HOURS = 730
MONTH_DAYS = MONTH_HOURS / 24
GB = 1e9
YEAR_DAYS = 365

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"
BEGIN, END = "<!-- begin: python -m bench capacity -->\n", "<!-- end -->"

SCALES = {"1 thousand": 1_000, "1 million": 1_000_000, "100 million": 100_000_000}


def bytes_per_turn(a: Assumed = ASSUMED) -> float:
    """What a turn leaves, by how many days it is kept: byte-days."""
    turn = SIZES["interaction"] + a.longer_texts_bytes
    two_years = turn + SIZES["ledger of a turn"] + SIZES["ledger of a turn, platform"]
    five_years = a.new_question_share * SIZES["question"]
    session = SIZES["session"] * YEAR_DAYS + 5 * YEAR_DAYS * (
        SIZES["rollup session"] + SIZES["ledger of a session"] + SIZES["ledger of a session, platform"]
    )
    return (
        2 * YEAR_DAYS * two_years
        + YEAR_DAYS * SIZES["turn_claim"]
        + 5 * YEAR_DAYS * five_years
        + session / a.turns_per_session
        + 5 * YEAR_DAYS * SIZES["bookmark"] / a.turns_per_bookmark
    )


def bytes_per_active_day() -> float:
    """What a day with turns leaves of a user: byte-days."""
    kinds = ("rollup daily", "ledger of a day", "presence", "ledger of presence, platform")
    return 5 * YEAR_DAYS * sum(SIZES[kind] for kind in kinds)


def bytes_per_user() -> float:
    """What a user has whatever they ask, with weeks and months of five years."""
    once = ("profile", "email_claim", "allowance", "risk_window", "rollup all_time", "ledger of a month, platform")
    months = SIZES["rollup monthly"] + SIZES["ledger of a month, platform"]
    return sum(SIZES[kind] for kind in once) + 60 * months + 5 * 52 * SIZES["rollup weekly"]


@dataclass(frozen=True)
class Need:
    """What so many users need, once documents have reached their retention."""

    users: int
    a: Assumed = ASSUMED
    m: Measured = MEASURED
    p: Prices = PRICES
    x: Limits = LIMITS

    @property
    def turns_per_second(self) -> float:
        """users x turns per user and day / 86,400"""
        return self.users * self.a.turns_per_user_day / DAY_SECONDS

    @property
    def peak_turns_per_second(self) -> float:
        """mean x peak factor"""
        return self.turns_per_second * self.a.peak_factor

    @property
    def turn_ru(self) -> float:
        """below 10 turns/s each step alone, else the platform's together; plus admission, context, reads, session"""
        together = self.peak_turns_per_second > 10
        fold = self.m.turn_user_ru + self.m.turn_platform_ru if together else self.m.turn_alone_ru
        asked = self.m.admission_ru + self.m.context_ru + self.a.reads_per_turn * self.m.read_ru
        return fold + asked + self.m.session_ru / self.a.turns_per_session

    @property
    def mean_ru(self) -> float:
        """turns/s x RU of a turn"""
        return self.turns_per_second * self.turn_ru

    @property
    def peak_ru(self) -> float:
        """peak turns/s x RU of a turn"""
        return self.peak_turns_per_second * self.turn_ru

    @property
    def storage_gb(self) -> float:
        """(turns x byte-days of a turn + active users x byte-days of a day + users x bytes) x (1 + index)"""
        turns = self.users * self.a.turns_per_user_day * bytes_per_turn(self.a)
        days = self.users * self.a.active_share * bytes_per_active_day()
        return (turns + days + self.users * bytes_per_user()) * (1 + self.a.index_share) / GB

    @property
    def is_serverless(self) -> bool:
        """peak RU/s with headroom below 5,000"""
        return self.peak_ru * self.a.headroom < self.x.serverless_ru

    @property
    def maximum_ru(self) -> float:
        """none if serverless; else the largest of: peak RU/s x headroom; 10 RU/s x GB stored; that of the stage prod"""
        if self.is_serverless:
            return 0.0
        wanted = self.peak_ru * self.a.headroom
        return max(wanted, self.storage_gb * self.x.autoscale_ru_per_gb, self.x.least_maximum_ru)

    @property
    def billed_ru(self) -> float:
        """none if serverless; else the larger of: mean RU/s x hour factor; a tenth of the maximum"""
        if self.is_serverless:
            return 0.0
        return max(self.mean_ru * self.a.hour_factor, self.maximum_ru * self.x.autoscale_floor)

    @property
    def partitions(self) -> int:
        """larger of: GB / 50; maximum RU/s / 10,000; at least one for each of five containers"""
        if self.is_serverless:
            return 5
        return max(5, ceil(self.storage_gb / self.x.partition_gb), ceil(self.maximum_ru / self.x.partition_ru))

    @property
    def sharded_gb(self) -> float:
        """turns a day x 2 years x their ledger entries, plus questions, sessions and presence of 5 years"""
        two = self.users * self.a.turns_per_user_day * 2 * YEAR_DAYS * SIZES["ledger of a turn, platform"]
        per_turn = (
            self.a.new_question_share * SIZES["question"]
            + SIZES["ledger of a session, platform"] / self.a.turns_per_session
        )
        five = self.users * self.a.turns_per_user_day * 5 * YEAR_DAYS * per_turn
        days = self.users * self.a.active_share * 5 * YEAR_DAYS * SIZES["ledger of presence, platform"]
        months = self.users * 60 * SIZES["ledger of a month, platform"]
        return (two + five + days + months) / GB

    @property
    def sharded_ru(self) -> float:
        """peak turns/s x RU of a turn's steps in the shards"""
        return self.peak_turns_per_second * self.m.shard_ru_per_turn

    @property
    def shards(self) -> int:
        """the least power of two with at most 15 GB and 7,500 RU/s in each; at least the default"""
        needed = max(DEFAULT_SHARDS, self.sharded_gb / 15, self.sharded_ru / 7_500)
        return int(2 ** ceil(log2(needed)))

    @property
    def deployments(self) -> int:
        """platform shards / the most that one deployment takes"""
        return ceil(self.shards / MAX_SHARDS)

    @property
    def feed_turns_per_second(self) -> float:
        """smaller of: ranges of user_interactions / seconds of processor for a fold; unused RU/s / RU of a fold"""
        texts = (SIZES["interaction"] + self.a.longer_texts_bytes) * (1 + self.a.index_share)
        stored = self.users * self.a.turns_per_user_day * 2 * YEAR_DAYS * texts / GB
        ranges = max(1, ceil(stored / self.x.partition_gb))
        unused = (self.x.serverless_ru if self.is_serverless else self.maximum_ru) - self.mean_ru
        return min(ranges / self.m.fold_cpu_seconds, unused / (self.m.turn_user_ru + self.m.turn_platform_ru))

    @property
    def catching_up_minutes(self) -> float:
        """60 x turns/s, mean / (turns/s that the feeds can fold - turns/s, mean)"""
        return 60 * self.turns_per_second / (self.feed_turns_per_second - self.turns_per_second)

    @property
    def instances(self) -> int:
        """peak turns/s x (seconds of processor for a turn + reads x for a read) / share of it that may be used"""
        busy = self.m.turn_cpu_seconds + (2 + self.a.reads_per_turn) * self.m.read_cpu_seconds
        return ceil(self.peak_turns_per_second * busy / self.a.cpu_share)

    @property
    def cosmos_usd(self) -> float:
        """serverless: million RU a month, with polls of five feeds, x price; else billed RU/s / 100 x 730 h x price"""
        if self.is_serverless:
            polls = 5 * self.m.poll_ru  # five feeds, each looked into every second
            ru = (self.mean_ru + polls) * MONTH_DAYS * DAY_SECONDS
            return ru / 1e6 * self.p.serverless_per_million_ru
        return self.billed_ru / 100 * MONTH_HOURS * self.p.autoscale_per_100_ru_hour

    @property
    def storage_usd(self) -> float:
        """GB x price, and for autoscale the price of 30 days of backup"""
        backup = 0.0 if self.is_serverless else self.p.backup_per_gb_month
        return self.storage_gb * (self.p.storage_per_gb_month + backup)

    @property
    def functions_usd(self) -> float:
        """turns a month x seconds of processor / share used x 2 GB x price, and executions"""
        turns = self.users * self.a.turns_per_user_day * MONTH_DAYS
        busy = self.m.turn_cpu_seconds + (2 + self.a.reads_per_turn) * self.m.read_cpu_seconds
        memory = turns * busy / self.a.cpu_share * self.x.instance_gb * self.p.instance_per_gb_second
        return memory + turns * (4 + self.a.reads_per_turn) / 1e6 * self.p.executions_per_million

    @property
    def logs_usd(self) -> float:
        """turns a month x bytes kept of telemetry x price"""
        turns = self.users * self.a.turns_per_user_day * MONTH_DAYS
        return turns * self.a.telemetry_bytes_per_turn / GB * self.p.logs_per_gb

    @property
    def total_usd(self) -> float:
        """the sum"""
        return self.cosmos_usd + self.storage_usd + self.functions_usd + self.logs_usd

    @property
    def usd_per_thousand_users(self) -> float:
        """total / users x 1,000"""
        return self.total_usd / self.users * 1_000


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("turns_per_second", "turns/s, mean", lambda value: f"{value:,.2f}"),
    ("peak_turns_per_second", "turns/s, peak", lambda value: f"{value:,.2f}"),
    ("turn_ru", "RU of a turn, with all that goes with it", lambda value: f"{value:,.0f}"),
    ("mean_ru", "RU/s, mean", lambda value: f"{value:,.0f}"),
    ("peak_ru", "RU/s, peak", lambda value: f"{value:,.0f}"),
    ("storage_gb", "GB stored", lambda value: f"{value:,.1f}"),
    ("is_serverless", "serverless is enough", lambda value: "yes" if value else "no"),
    ("maximum_ru", "autoscale's maximum, RU/s", lambda value: f"{value:,.0f}" if value else "-"),
    ("billed_ru", "RU/s billed", lambda value: f"{value:,.0f}" if value else "-"),
    ("partitions", "physical partitions, at least", lambda value: f"{value:,}"),
    ("sharded_gb", "GB in the platform's shards", lambda value: f"{value:,.1f}"),
    ("sharded_ru", "RU/s in them, peak", lambda value: f"{value:,.0f}"),
    ("shards", "`PLATFORM_SHARDS`", lambda value: f"{value:,}"),
    ("deployments", "deployments", lambda value: f"{value:,}"),
    ("feed_turns_per_second", "turns/s that the feeds can fold", lambda value: f"{value:,.0f}"),
    ("catching_up_minutes", "minutes to catch up with an hour", lambda value: f"{value:,.1f}"),
    ("instances", "instances of 2 GB, peak", lambda value: f"{value:,}"),
    ("cosmos_usd", "USD a month: requests", lambda value: f"{value:,.0f}"),
    ("storage_usd", "storage and backup", lambda value: f"{value:,.0f}"),
    ("functions_usd", "functions", lambda value: f"{value:,.0f}"),
    ("logs_usd", "telemetry", lambda value: f"{value:,.0f}"),
    ("total_usd", "USD a month in all", lambda value: f"{value:,.0f}"),
    ("usd_per_thousand_users", "USD a month for a thousand users", lambda value: f"{value:,.2f}"),
)


def tables() -> str:
    """The tables of the page: what is needed with its formula, and all that it goes by."""
    needs = [Need(users) for users in SCALES.values()]
    lines = [f"| users | {' | '.join(SCALES)} | formula |", f"|---|{'---:|' * len(SCALES)}---|"]
    for name, title, shown in ROWS:
        formula = " ".join((getattr(Need, name).__doc__ or "").split())
        lines.append(f"| {title} | {' | '.join(shown(getattr(need, name)) for need in needs)} | {formula} |")
    for inputs in (ASSUMED, MEASURED, PRICES, LIMITS):
        lines += [
            "",
            f"### {type(inputs).__name__}",
            "",
            type(inputs).__doc__ or "",
            "",
            "| what | value |",
            "|---|---:|",
        ]
        lines += [f"| {meaning} | {value:,.10g} |" for meaning, value in _told(inputs)]
    lines += ["", "### Sizes", "", "Mean bytes of documents, with Cosmos DB's own properties.", ""]
    lines += ["| document | bytes |", "|---|---:|", *(f"| {kind} | {size:,} |" for kind, size in SIZES.items())]
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the tables between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n\n{end}{after}"


def _told(inputs: Any) -> list[tuple[str, float]]:
    hints = get_type_hints(type(inputs), include_extras=True)
    return [(hints[one.name].__metadata__[0], getattr(inputs, one.name)) for one in fields(inputs)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench capacity", description="Capacity and cost on paper.")
    parser.add_argument("--measure", action="store_true", help="measure the sizes of documents over the sample data")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/capacity.md")
    arguments = parser.parse_args()
    if arguments.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    elif arguments.measure:
        for kind, size in measured_sizes().items():
            print(f"{kind:40}{size:8}")
    else:
        print(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
