"""What the database holds of a user, asked of the engine itself."""

from __future__ import annotations

from collections import Counter

import httpx

from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import email_claim_id_of, user_id_of

Counts = dict[str, dict[str, int]]
"""How many documents, by container and kind."""

CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")
OUTSIDE = {"users": ["profile"], "user_sessions": ["allowance"], "user_analytics": ["risk_window"]}
"""Documents that are gone when the account is closed: tombstones are in their place."""


def documents(cosmos_url: str, email: str) -> Counts:
    """What the database holds of a user, by container and kind; asked of the engine itself."""
    user_id = user_id_of(TENANT_ID, oid_of(email))
    query = "SELECT c.kind FROM c WHERE c.partition_key = @user OR c.partition_key = @claim AND c.user_id = @user"
    parameters = [{"name": "@user", "value": user_id}, {"name": "@claim", "value": email_claim_id_of(TENANT_ID, email)}]
    counts = {}
    for container in CONTAINERS:
        wanted = {"database": "vimarsh", "container": container, "query": query, "parameters": parameters}
        rows = httpx.post(f"{cosmos_url}/_local/query", json=wanted, timeout=60).raise_for_status().json()["rows"]
        counts[container] = dict(sorted(Counter(str(row["kind"]) for row in rows).items()))
    return counts


def is_only_tombstones(counts: Counts) -> bool:
    return {name: kinds for name, kinds in counts.items() if kinds} == {name: {"tombstone": 1} for name in OUTSIDE}
