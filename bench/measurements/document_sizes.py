"""How large stored documents are, by kind: over the sample data, in a local stack of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from statistics import mean
from typing import Any

import httpx

from bench.simulation.stack import local_stack
from local.cli.replay import replay_sample
from local.provision import DATABASE

CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")

_SOURCES = {"interaction": "a turn", "session": "a session", "rollup": "a day"}


def measured_sizes() -> dict[str, int]:
    """Mean bytes by kind of document, with Cosmos DB's own properties, as JSON in UTF-8."""
    with local_stack() as stack:
        replay_sample(stack.functions_url, stack.entra_url)
        return sizes_of(item for container in CONTAINERS for item in _items(stack.cosmos_url, container))


def sizes_of(items: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Mean bytes by kind; rollups also by their period, and ledger entries by what they are of."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for item in items:
        sizes[_named(item)].append(len(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()))
    return {kind: round(mean(each)) for kind, each in sorted(sizes.items())}


def _items(cosmos_url: str, container: str) -> list[dict[str, Any]]:
    body = {"database": DATABASE, "container": container, "query": "SELECT * FROM c"}
    answer = httpx.post(f"{cosmos_url}/_local/query", json=body, timeout=60).raise_for_status()
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def _named(item: dict[str, Any]) -> str:
    kind = str(item["kind"])
    if kind == "ledger":
        return f"ledger of {_source(item)}"
    return f"{kind} {item['analytics_period']}" if kind in ("rollup", "platform_rollup", "user_group") else kind


def _source(item: dict[str, Any]) -> str:
    """What a ledger entry is of: of the platform's, whose names are hashes, by what it counts."""
    if not str(item["partition_key"]).startswith("platform"):
        return _SOURCES.get(str(item["source"]).partition(":")[0], "something else")
    applied = item["applied"]
    if any(bucket.startswith("question:") for bucket in applied):
        return "a turn, platform"
    measures = {measure for sums in applied.values() for measure in sums}
    if "sessions" in measures and "interactions" not in measures:
        return "a session, platform"
    if measures == {"active_users"}:
        month = any(bucket.startswith("utc_monthly:") for bucket in applied)
        return "a month, platform" if month else "presence, platform"
    return "others, platform"
