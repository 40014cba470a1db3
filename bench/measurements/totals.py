"""Do the all-time rollups equal what the traffic says? Counts every user's turns, tokens and cost from the file.

    python -m bench totals FILE.jsonl.gz --users users.json [--cosmos-url http://127.0.0.1:8081]

To be run after `python -m local replay`; a limit there makes this differ. Exits with 1 if any user differs.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from local.cli.traffic import read_turns, read_users
from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of
from models.usage.pricing import PriceTable
from models.usage.token_usage import TokenUsage

Totals = dict[str, int]
MEASURES = ("interactions", "tokens", "cost_nano_usd")
QUERY = 'SELECT c.user_id, c.sums FROM c WHERE c.kind = "rollup" AND c.analytics_period = "all_time"'


def expected(turns: Path, users: Path) -> dict[str, Totals]:
    """Turns, tokens and nano-dollars by user id, counted from the file alone."""
    prices = PriceTable()
    totals: dict[str, Totals] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
    for turn in read_turns(turns, read_users(users)):
        total = totals[user_id_of(TENANT_ID, oid_of(turn.user.email))]
        usage = TokenUsage(input_uncached=turn.body["input_tokens"], output=turn.body["output_tokens"])
        cost = prices.price(turn.body["model_used"], usage, datetime.fromisoformat(turn.at))
        total["interactions"] += 1
        total["tokens"] += usage.total
        total["cost_nano_usd"] += cost.cost_nano_usd or 0
    return dict(totals)


def stored(cosmos_url: str) -> dict[str, Totals]:
    """The same from the all-time rollups."""
    query = {"database": "vimarsh", "container": "user_analytics", "query": QUERY}
    rows: list[dict[str, Any]] = httpx.post(f"{cosmos_url}/_local/query", json=query, timeout=60).json()["rows"]
    return {row["user_id"]: {measure: row["sums"].get(measure, 0) for measure in MEASURES} for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench totals", description="Compare rollups with the traffic.")
    parser.add_argument("turns", type=Path)
    parser.add_argument("--users", type=Path, required=True)
    parser.add_argument("--cosmos-url", default="http://127.0.0.1:8081")
    arguments = parser.parse_args()
    wanted, found = expected(arguments.turns, arguments.users), stored(arguments.cosmos_url)
    differing = [user for user in wanted if wanted[user] != found.get(user)]
    for user in differing[:10]:
        print(f"{user}: {wanted[user]} in the file, {found.get(user)} in the rollup")
    sums = {measure: sum(total[measure] for total in wanted.values()) for measure in MEASURES}
    print(f"{len(wanted)} users, {len(differing)} differ; in the file: {sums}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
