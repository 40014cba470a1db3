"""Recording turns: a sequence number from `user_sessions`, then the document in `user_interactions`.

Two requests for a turn, none of them a query. The first is one transactional batch: it takes the session's next number
and leaves a claim with the turn's id, so that the same turn sent again takes no second number. A process that dies
between the two leaves a gap in the numbers and nothing else: the turn was not acknowledged, and is recorded when it is
sent again.

A turn reopens a session that has ended. The first request then fails, on its condition that the session is active, and
another takes its place, which also counts the session's revision. A turn of an active session does not matter to a
reader of the session's changes, and does not count it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from azure.cosmos.exceptions import (
    CosmosBatchOperationError,
    CosmosResourceExistsError,
)

from cosmos.database import Database, Item
from cosmos.patching import LOST, edit, require_revision, set_fields
from cosmos.reading import read_or_none
from models.errors import NotFound
from models.feedback import FeedbackChanges
from models.interaction import Draft, UserInteraction
from models.pricing import PriceTable
from models.session import REOPENED, TurnClaim, UserSession
from models.values import format_timestamp

ATTEMPTS = 6
"""The session is tried as active, then as ended, and so on: others may end and reopen it all the while."""

CLAIMS_PER_BATCH = 90
BYTES_PER_BATCH = 1_000_000
"""A transactional batch takes 100 operations and about 1.2 MB."""


@dataclass(frozen=True)
class Recorded:
    """What became of a turn that was sent.

    Attributes:
        outcome: `created`; `repeated`, it was there already; or `reused`, its id belongs to a turn that differs.
    """

    interaction: UserInteraction
    outcome: Literal["created", "repeated", "reused"]


class Turns:
    """Writes and reads interactions."""

    def __init__(self, database: Database, prices: PriceTable) -> None:
        self._sessions = database.user_sessions
        self._interactions = database.user_interactions
        self._prices = prices

    async def record(self, user_id: str, session_id: str, drafts: Sequence[Draft]) -> list[Recorded]:
        """Records turns of one session, numbered in the order given, but none that is there already.

        Args:
            drafts: At most `CLAIMS_PER_BATCH`, no two with the same id.

        Returns:
            What became of each, in the same order.

        Raises:
            NotFound: the user has no such session.
        """
        stored: dict[str, UserInteraction] = {}
        session = await self._take_numbers(user_id, session_id, drafts, repeat=False)
        new = list(drafts)
        if session is None:
            stored = await self._stored(user_id, drafts)
            new = [draft for draft in drafts if draft.interaction_id not in stored]
            session = await self._take_numbers(user_id, session_id, new, repeat=True) if new else None
        created: dict[str, UserInteraction] = {}
        if session is not None:
            first = session.last_sequence - len(new) + 1
            numbered = [draft.interaction(first + n, session.timezone, self._prices) for n, draft in enumerate(new)]
            created = await self._create(user_id, numbered)
            stored |= await self._stored(user_id, [draft for draft in new if draft.interaction_id not in created])
        return [_recorded(draft, created, stored) for draft in drafts]

    async def read(self, user_id: str, interaction_id: str) -> UserInteraction:
        """A turn, by one point read.

        Raises:
            NotFound: the user has no such turn.
        """
        item = await read_or_none(self._interactions, interaction_id, user_id)
        if item is None:
            raise NotFound("interaction")
        return UserInteraction.parse(item)

    async def give_feedback(
        self, user_id: str, interaction_id: str, revision: int, changes: FeedbackChanges, now: datetime
    ) -> UserInteraction:
        """Puts feedback on a turn that still is at this revision.

        Raises:
            NotFound: the user has no such turn.
            Stale: it has been edited or bookmarked since.
        """
        turn = await self.read(user_id, interaction_id)
        require_revision(turn, revision)
        return await edit(self._interactions, turn, turn.with_feedback(changes, now))

    async def _take_numbers(
        self, user_id: str, session_id: str, drafts: Sequence[Draft], repeat: bool
    ) -> UserSession | None:
        """Takes a number for each turn and leaves claims. The session as it is then; None if some turn is claimed.

        Args:
            repeat: take numbers for turns that are claimed, too.
        """
        write = "upsert" if repeat else "create"
        claims = [TurnClaim.of(user_id, session_id, draft.interaction_id) for draft in drafts]
        operations: list[Any] = [(write, (claim.body(),)) for claim in claims]
        for attempt in range(ATTEMPTS):
            taking = _taking_numbers(session_id, drafts, reopening=attempt % 2 == 1)
            try:
                results = await self._sessions.execute_item_batch([taking, *operations], user_id)
            except CosmosBatchOperationError as error:
                if error.status_code == 404:
                    raise NotFound("session") from None
                if error.status_code == 409:
                    return None
                if error.status_code != LOST or attempt == ATTEMPTS - 1:
                    raise
            else:
                return UserSession.parse(results[0]["resourceBody"])
        raise AssertionError("the last attempt returns or raises")

    async def _stored(self, user_id: str, drafts: Sequence[Draft]) -> dict[str, UserInteraction]:
        if not drafts:
            return {}
        items = await self._interactions.read_items([(draft.interaction_id, user_id) for draft in drafts])
        return {item["id"]: UserInteraction.parse(item) for item in items}

    async def _create(self, user_id: str, interactions: Sequence[UserInteraction]) -> dict[str, UserInteraction]:
        """Stores the turns; returns those that were not there already."""
        created: dict[str, UserInteraction] = {}
        for chunk in _chunks(interactions):
            if len(chunk) > 1 and await self._create_together(user_id, [body for _, body in chunk]):
                created |= {interaction.id: interaction for interaction, _ in chunk}
                continue
            for interaction, body in chunk:
                try:
                    await self._interactions.create_item(body)
                except CosmosResourceExistsError:
                    continue
                created[interaction.id] = interaction
        return created

    async def _create_together(self, user_id: str, bodies: Sequence[Item]) -> bool:
        """One transactional batch; False, and nothing stored, if one of the turns is there already."""
        try:
            await self._interactions.execute_item_batch([("create", (body,)) for body in bodies], user_id)
        except CosmosBatchOperationError as error:
            if error.status_code == 409:
                return False
            raise
        return True


def _taking_numbers(session_id: str, drafts: Sequence[Draft], reopening: bool) -> Any:
    """The operation that takes a number for each turn, of an active session or of one that has ended."""
    latest = max(draft.origin.timestamp for draft in drafts)
    fields = {"last_activity": format_timestamp(latest)} | (REOPENED if reopening else {})
    counters = {"last_sequence": len(drafts)} | ({"revision": 1} if reopening else {})
    operations = [
        *({"op": "incr", "path": f"/{name}", "value": value} for name, value in counters.items()),
        *set_fields(fields),
    ]
    condition = "FROM c WHERE c.is_active = " + ("false" if reopening else "true")
    return ("patch", (session_id, operations), {"filter_predicate": condition})


def _chunks(interactions: Sequence[UserInteraction]) -> Iterator[list[tuple[UserInteraction, Item]]]:
    """Runs of turns with their bodies, each small enough for one batch."""
    chunk: list[tuple[UserInteraction, Item]] = []
    size = 0
    for interaction in interactions:
        body = interaction.body()
        length = len(interaction.model_dump_json().encode())
        if chunk and size + length > BYTES_PER_BATCH:
            yield chunk
            chunk, size = [], 0
        chunk.append((interaction, body))
        size += length
    if chunk:
        yield chunk


def _recorded(draft: Draft, created: dict[str, UserInteraction], stored: dict[str, UserInteraction]) -> Recorded:
    if draft.interaction_id in created:
        return Recorded(created[draft.interaction_id], "created")
    interaction = stored[draft.interaction_id]
    same = interaction.request_hash == draft.origin.request_hash
    return Recorded(interaction, "repeated" if same else "reused")
