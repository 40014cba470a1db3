"""Recording turns: a sequence number from `user_sessions`, then the document in `user_interactions`.

Two requests for a turn, none of them a query. The first is one transactional batch: it takes the session's next number,
leaves a claim with the turn's id, so that the same turn sent again takes no second number, and counts the turn in the
user's allowance, where it settles its admission. A process that dies between the two leaves a gap in the numbers, and
the allowance counts what was used: the turn was not acknowledged, and is recorded, but not counted again, when it is
sent again.

A turn reopens a session that has ended. The first request then fails, on its condition that the session is active, and
another takes its place, which also counts the session's revision. A turn of an active session does not matter to a
reader of the session's changes, and does not count it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from azure.cosmos.exceptions import (
    CosmosBatchOperationError,
    CosmosResourceExistsError,
)
from cachetools import TTLCache

from cosmos.core.database import Database, Item, sent_bytes
from cosmos.core.observer import NOBODY, Observer
from cosmos.core.paging import some_of
from cosmos.core.patching import edit, patch_if, require_revision, set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.status import CONFLICT, NOT_FOUND, PRECONDITION_FAILED, TOO_LARGE
from cosmos.usage.allowances import counting, create_allowance, why_refused
from models.chat.feedback import FeedbackChanges
from models.chat.interaction import Draft, UserInteraction
from models.chat.session import REOPENED, TurnClaim, UserSession
from models.chat.titles import title_of
from models.core.errors import Contention, NotFound, TooManyTurns
from models.core.revisions import Revisions
from models.core.values import format_timestamp
from models.core.write_policy import EVERYTHING, WritePolicy
from models.usage.allowance import Allowance, Spent
from models.usage.pricing import Cost, PriceTable
from models.usage.windows import Clock
from models.usage.write_limit import WriteLimit, Writing, seconds_to_next_minute

ATTEMPTS = 6
"""The session is tried as active, then as ended, and so on: others may end and reopen it all the while."""

PATIENCE = (0.05, 0.1, 0.2)
"""How long to wait, in seconds, for turns that somebody else has claimed and not stored yet: the same request, sent
twice at once. Who died between the two leaves a claim, too, and costs whoever sends the turn again these waits."""

USERS_REMEMBERED = 20_000

UNTITLED = "NOT IS_DEFINED(c.title) OR IS_NULL(c.title)"

CLAIMS_PER_BATCH = 80
BYTES_PER_BATCH = 1_000_000
"""A transactional batch takes 100 operations and about 1.2 MB. The allowance takes up to ten of them."""


Taken = tuple[UserSession, Allowance | None]
"""A session with numbers taken for turns, and the allowance they were counted in; None if they had been before."""


@dataclass(frozen=True)
class Recorded:
    """What became of a turn that was sent.

    Attributes:
        outcome: `created`; `repeated`, it was there already; or `reused`, its id belongs to a turn that differs.
        allowance: The user's, with all turns that were recorded together; None of what was not counted now.
    """

    interaction: UserInteraction
    outcome: Literal["created", "repeated", "reused"]
    allowance: Allowance | None = None


class Turns:
    """Writes and reads interactions."""

    def __init__(self, database: Database, prices: PriceTable, observer: Observer = NOBODY) -> None:
        self._sessions = database.user_sessions
        self._interactions = database.user_interactions
        self._users = database.users
        self._prices = prices
        self._observer = observer
        self._full: TTLCache[str, str] = TTLCache(USERS_REMEMBERED, ttl=60)

    async def record(
        self,
        user_id: str,
        session_id: str,
        drafts: Sequence[Draft],
        clock: Clock | None = None,
        policy: WritePolicy = EVERYTHING,
        writing: WriteLimit | None = None,
    ) -> list[Recorded]:
        """Records turns of one session, numbered in the order given, but none that is there already.

        Args:
            drafts: At most `CLAIMS_PER_BATCH`, no two with the same id.
            clock: When they came in, and in which zone the allowance counts days; by default that of the newest, UTC.
            policy: What the user has consented to.
            writing: How much may be written within the minute; None for what servers record.

        Returns:
            What became of each, in the same order.

        Raises:
            NotFound: the user has no such session.
            AccountClosed: the account is deleted.
            TooManyTurns: more than may be written within the minute.
        """
        stored: dict[str, UserInteraction] = {}
        costs = {draft.interaction_id: draft.cost(self._prices) for draft in drafts}
        taking = _Taking(user_id, session_id, costs, clock or Clock(_latest(drafts)), policy, writing)
        if writing and self._full.get(user_id) == taking.clock.key("minute"):
            raise TooManyTurns(seconds_to_next_minute(taking.clock))
        taken = await self._take_numbers(taking, drafts, claimed=frozenset())
        new = list(drafts)
        if taken is None:
            stored = await self._soon_stored(user_id, drafts)
            new = [draft for draft in drafts if draft.interaction_id not in stored]
            taken = await self._take_numbers_again(taking, new) if new else None
        created: dict[str, UserInteraction] = {}
        allowance: Allowance | None = None
        if taken is not None:
            session, allowance = taken
            policy = session.of_turns(policy)
            first = session.last_sequence - len(new) + 1
            numbered = [
                draft.interaction(
                    first + n,
                    session.timezone,
                    costs[draft.interaction_id],
                    policy,
                    self._canonical(draft),
                    session.organization_id,
                )
                for n, draft in enumerate(new)
            ]
            created = await self._create(user_id, numbered)
            await self._tend(session, numbered, policy)
            self._observer.turns_recorded(len(created))
            stored |= await self._stored(user_id, [draft for draft in new if draft.interaction_id not in created])
        return [_recorded(draft, created, stored, allowance) for draft in drafts]

    async def _tend(self, session: UserSession, turns: Sequence[UserInteraction], policy: WritePolicy) -> None:
        """What some turns do to their session besides, by a request more: the first question whose text is stored makes
        a title for one that has none, and a session that would expire before its youngest turn is kept longer."""
        question = next((turn.user_query for turn in turns if turn.user_query), None)
        if session.title is None and question is not None:
            called = set_fields({"title": title_of(question), "title_source": "question"})
            await patch_if(self._sessions, session.id, session.user_id, called, UNTITLED)
        if session.ttl not in (None, session.lifetime(policy)):
            kept = set_fields({"ttl": session.lifetime(policy)})
            pinned = f"c.is_pinned = {str(session.is_pinned).lower()}"
            await patch_if(self._sessions, session.id, session.user_id, kept, pinned if session.is_pinned else "true")

    def _canonical(self, draft: Draft) -> str:
        return self._prices.canonical(draft.turn.model_used, draft.turn.provider)

    async def read(self, user_id: str, interaction_id: str) -> UserInteraction:
        """A turn, by one point read.

        Raises:
            NotFound: the user has no such turn.
        """
        item = await read_or_none(self._interactions, interaction_id, user_id, ["interaction"])
        if item is None:
            raise NotFound("interaction")
        return UserInteraction.parse(item)

    async def give_feedback(
        self,
        user_id: str,
        interaction_id: str,
        expected: Revisions,
        changes: FeedbackChanges,
        now: datetime,
        texts: bool = True,
    ) -> UserInteraction:
        """Puts feedback on a turn that still is at a revision that is expected.

        Args:
            texts: Whether the user's words are stored, too.

        Raises:
            NotFound: the user has no such turn.
            Stale: it has been edited or bookmarked since.
        """
        turn = await self.read(user_id, interaction_id)
        require_revision(turn, expected)
        return await edit(self._interactions, turn, turn.with_feedback(changes, now, texts))

    async def _take_numbers(self, taking: _Taking, drafts: Sequence[Draft], claimed: frozenset[str]) -> Taken | None:
        """Takes a number for each turn, leaves claims, and counts in the allowance the turns that had none.

        Args:
            claimed: ids of turns that are known to have a claim: a request before this one did not come to its end.

        Returns:
            The session and the allowance as they are then; None if a further turn is claimed.
        """
        reopening = False
        for _ in range(ATTEMPTS):
            try:
                operations = taking.operations(drafts, claimed, reopening)
                results = await self._sessions.execute_item_batch(operations, taking.user_id)
            except CosmosBatchOperationError as error:
                if error.status_code == CONFLICT:
                    return None
                if error.status_code == NOT_FOUND and error.error_index == 0:
                    raise NotFound("session") from None
                if error.status_code not in (NOT_FOUND, PRECONDITION_FAILED):
                    raise
                if error.status_code == PRECONDITION_FAILED and error.error_index != 0:
                    raise await self._why_refused(taking, drafts) from None
                if error.status_code == NOT_FOUND:
                    await create_allowance(self._sessions, taking.user_id, self._users)
                else:
                    reopening = not reopening
            else:
                bodies = [result.get("resourceBody") or {} for result in results]
                counted = [body for body in bodies if body.get("kind") == "allowance"]
                allowance = Allowance.parse(counted[-1]) if counted else None
                return UserSession.parse(bodies[0]), allowance
        raise Contention(f"the session of {len(drafts)} turns was ended or reopened {ATTEMPTS} times")

    async def _why_refused(self, taking: _Taking, drafts: Sequence[Draft]) -> Exception:
        """Why the allowance takes nothing. If it does not take the shortest turn, nobody need ask again this minute."""
        error = await why_refused(self._sessions, taking.user_id, taking.clock)
        writing = taking.writing(drafts)
        if isinstance(error, TooManyTurns) and writing and writing.weight == writing.limit.weight(0):
            self._full[taking.user_id] = taking.clock.key("minute")
        return error

    async def _take_numbers_again(self, taking: _Taking, drafts: Sequence[Draft]) -> Taken:
        """Takes numbers also for turns that are claimed. Others may claim some of them all the while."""
        for _ in range(ATTEMPTS):
            claimed = await self._claimed(taking.user_id, drafts)
            taken = await self._take_numbers(taking, drafts, claimed)
            if taken is not None:
                return taken
        raise Contention(f"the claims of {len(drafts)} turns changed {ATTEMPTS} times")

    async def _claimed(self, user_id: str, drafts: Sequence[Draft]) -> frozenset[str]:
        if not drafts:
            return frozenset()
        claims = {TurnClaim.id_of(draft.interaction_id): draft.interaction_id for draft in drafts}
        held = await some_of(self._sessions, claims, user_id)
        return frozenset(claims[item["id"]] for item in held)

    async def _soon_stored(self, user_id: str, drafts: Sequence[Draft]) -> dict[str, UserInteraction]:
        """The turns that are there, or are in a moment.

        Whoever has claimed a turn may be about to store it. To take a number for it again would leave a gap.
        """
        stored = await self._stored(user_id, drafts)
        for pause in PATIENCE:
            missing = [draft for draft in drafts if draft.interaction_id not in stored]
            claimed = await self._claimed(user_id, missing)
            if not claimed:
                break
            await asyncio.sleep(pause)
            stored |= await self._stored(user_id, [draft for draft in missing if draft.interaction_id in claimed])
        return stored

    async def _stored(self, user_id: str, drafts: Sequence[Draft]) -> dict[str, UserInteraction]:
        if not drafts:
            return {}
        items = await some_of(self._interactions, [draft.interaction_id for draft in drafts], user_id)
        return {item["id"]: UserInteraction.parse(item) for item in items if item["kind"] == "interaction"}

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
        """One transactional batch; False, and nothing stored, if one of the turns is there already, or if together they
        are too large after all."""
        try:
            await self._interactions.execute_item_batch([("create", (body,)) for body in bodies], user_id)
        except CosmosBatchOperationError as error:
            if error.status_code in (CONFLICT, TOO_LARGE):
                return False
            raise
        return True


@dataclass(frozen=True)
class _Taking:
    """What the first request of a recording is made of, whichever of the turns it is for."""

    user_id: str
    session_id: str
    costs: Mapping[str, Cost]
    clock: Clock
    policy: WritePolicy
    limit: WriteLimit | None

    def operations(self, drafts: Sequence[Draft], claimed: frozenset[str], reopening: bool) -> list[Any]:
        """The transaction. The session comes first, so that its absence can be told from that of the allowance."""
        uncounted = [draft for draft in drafts if draft.interaction_id not in claimed]
        return [
            _taking_numbers(self.session_id, drafts, reopening, self.policy),
            *counting([self._spent(draft) for draft in uncounted], self.clock, self.writing(uncounted)),
            *(self._claim(draft, repeated=draft.interaction_id in claimed) for draft in drafts),
        ]

    def writing(self, drafts: Sequence[Draft]) -> Writing | None:
        """What is written, if that has a limit."""
        if self.limit is None:
            return None
        return Writing(self.limit, sum(len(draft.turn.model_dump_json().encode()) for draft in drafts))

    def _claim(self, draft: Draft, repeated: bool) -> Any:
        claim = TurnClaim.of(self.user_id, self.session_id, draft.interaction_id)
        return ("upsert" if repeated else "create", (claim.body(),))

    def _spent(self, draft: Draft) -> Spent:
        cost = self.costs[draft.interaction_id].cost_nano_usd
        return Spent(draft.origin.timestamp, draft.usage.total, cost, draft.turn.admission_id, draft.origin.recorded_by)


def _latest(drafts: Sequence[Draft]) -> datetime:
    return max(draft.origin.timestamp for draft in drafts)


def _taking_numbers(session_id: str, drafts: Sequence[Draft], reopening: bool, policy: WritePolicy) -> Any:
    """The operation that takes a number for each turn, of an active session or of one that has ended.

    What the fold counts of a session only changes together with its revision: so with its reopening.
    """
    fields: dict[str, Any] = {
        "last_activity": format_timestamp(_latest(drafts)),
        "last_turn": drafts[-1].preview(policy).model_dump(mode="json"),
    } | (REOPENED if reopening else {})
    if reopening and not policy.analytics:
        fields["analytics_consent"] = False
    if policy.session_ttl is not None:
        fields["ttl"] = policy.session_ttl
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
        length = sent_bytes(body)
        if chunk and size + length > BYTES_PER_BATCH:
            yield chunk
            chunk, size = [], 0
        chunk.append((interaction, body))
        size += length
    if chunk:
        yield chunk


def _recorded(
    draft: Draft,
    created: dict[str, UserInteraction],
    stored: dict[str, UserInteraction],
    allowance: Allowance | None,
) -> Recorded:
    if draft.interaction_id in created:
        return Recorded(created[draft.interaction_id], "created", allowance)
    interaction = stored[draft.interaction_id]
    same = interaction.request_hash == draft.origin.request_hash
    return Recorded(interaction, "repeated" if same else "reused")
