"""Users with as many turns as is wanted, stored as recording and folding leave them, without being played."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
from azure.cosmos.aio import CosmosClient

from bench.simulation.stack import SAMPLE, Stack
from local.cli.traffic import read_turns, read_users
from local.provision import WELL_KNOWN_KEY
from models.analytics.contribution import of_interaction
from models.chat.interaction import Draft, Origin, Turn
from models.chat.session import TurnClaim, UserSession
from models.core.document import Document
from models.core.user_agent import parse_user_agent
from models.counting.fold import Applied
from models.counting.ledger import LedgerEntry
from models.usage.pricing import PriceTable

TURNS_PER_SESSION = 8
BATCH = 100
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Europe/London"


def history(user_id: str, turns: int) -> Iterator[Document]:
    """What is stored of a user's turns, which are the sample data's over and over."""
    reported = read_turns(SAMPLE / "turns.jsonl", read_users(SAMPLE / "users.json"))
    bodies = [Turn.model_validate_json(json.dumps(_without_marks(turn.body))) for turn in reported]
    prices, client = PriceTable(), parse_user_agent(None)
    for number in range(turns):
        session_id = str(uuid.uuid5(uuid.UUID(user_id), str(number // TURNS_PER_SESSION)))
        at = BEGIN + timedelta(minutes=3 * number)
        if number % TURNS_PER_SESSION == 0:
            session = UserSession(
                id=session_id,
                partition_key=user_id,
                user_id=user_id,
                session_id=session_id,
                start_time=at,
                last_activity=at,
                timezone=ZONE,
            )
            yield session.model_copy(update=session.ended())  # or the timer would end it, and be measured, too
        draft = Draft(f"turn-{number}", bodies[number % len(bodies)], Origin(user_id, session_id, at, None, client, ""))
        turn = draft.interaction(number % TURNS_PER_SESSION + 1, ZONE, draft.cost(prices))
        source = of_interaction(turn)
        applied = Applied(source.revision, {bucket.name: sums for bucket, sums in source.contributions.items()})
        yield turn
        yield TurnClaim.of(user_id, session_id, turn.id)
        yield LedgerEntry.of(user_id, source.key, applied, 1)


def _without_marks(body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in Turn.model_fields}


async def load(stack: Stack, user_id: str, turns: int) -> None:
    """Stores a user's turns by transactional batches."""
    documents = history(user_id, turns)
    async with CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as client:
        database = client.get_database_client("vimarsh")

        async def store(container: str, some: list[Document]) -> None:
            creates: list[Any] = [("create", (document.body(),)) for document in some]
            await database.get_container_client(container).execute_item_batch(creates, user_id)

        while some := list(islice(documents, BATCH)):
            by_container: dict[str, list[Document]] = {}
            for document in some:
                by_container.setdefault(document.container, []).append(document)
            await asyncio.gather(*(store(container, part) for container, part in by_container.items()))


def signed_in(stack: Stack, email: str) -> httpx.Client:
    """A client of the API."""
    token = httpx.post(f"{stack.entra_url}/_local/token", json={"email": email}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return httpx.Client(base_url=f"{stack.functions_url}/api", headers=headers, timeout=120)
