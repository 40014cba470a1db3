"""Batches of finished turns from a trusted server: any users, any sessions, each turn with its own answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cosmos.accounts.users import Users
from cosmos.chat.sessions import Sessions
from cosmos.chat.turns import CLAIMS_PER_BATCH, Recorded, Turns
from models.accounts.profile import UserProfile
from models.chat.interaction import Draft, UserInteraction
from models.chat.session import UserSession
from models.core.errors import KeyReused, NotFound
from models.core.identity import Person
from models.core.write_policy import Privacy, WritePolicy
from models.usage.windows import Clock

USERS_AT_ONCE = 8


@dataclass(frozen=True)
class Submission:
    """A turn to record: whose it is, what is known of it, and the client's User-Agent header."""

    person: Person
    draft: Draft
    user_agent: str | None


Outcome = Recorded | Exception

Keep = Callable[[UserInteraction, WritePolicy], Awaitable[None]]
"""What else is kept of a turn that came as bookmarked. May be repeated."""


class Ingestion:
    """Records turns of many users. Users and sessions that are new are made, and bookmarks of turns that are."""

    def __init__(self, users: Users, sessions: Sessions, turns: Turns, keep: Keep, privacy: Privacy) -> None:
        self._users = users
        self._sessions = sessions
        self._turns = turns
        self._keep = keep
        self._privacy = privacy

    async def ingest(self, submissions: Sequence[Submission], now: datetime) -> list[Outcome]:
        """What became of each, in the same order; errors are returned in place, not raised.

        What failed for whatever reason fails by itself: the turns of one session with it, and nobody else's.
        """
        by_user: dict[str, list[int]] = defaultdict(list)
        for index, submission in enumerate(submissions):
            by_user[submission.person.user_id].append(index)
        outcomes: dict[int, Outcome] = {}
        slots = asyncio.Semaphore(USERS_AT_ONCE)

        async def one_user(indexes: list[int]) -> None:
            async with slots:
                of_user = {index: submissions[index] for index in indexes}
                outcomes.update(await self._of_user(of_user, now))

        await asyncio.gather(*(one_user(indexes) for indexes in by_user.values()))
        return [outcomes[index] for index in range(len(submissions))]

    async def _of_user(self, submissions: dict[int, Submission], now: datetime) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        for group in _runs(submissions):
            try:
                outcomes |= await self._of_session(group, now)
            except Exception as error:  # a boundary: each turn of the batch has an answer of its own
                outcomes |= dict.fromkeys(group, error)
        return outcomes

    async def _of_session(self, group: dict[int, Submission], now: datetime) -> dict[int, Outcome]:
        first = next(iter(group.values()))
        profile = await self._users.writer(first.person, now, now)
        by_id: dict[str, Draft] = {}
        for submission in group.values():
            by_id.setdefault(submission.draft.interaction_id, submission.draft)
        clock = Clock(now, profile.counting_zone)
        user_id, session_id = profile.id, first.draft.origin.session_id
        drafts, policy = list(by_id.values()), profile.write_policy(self._privacy)
        try:
            recorded = await self._turns.record(user_id, session_id, drafts, clock, policy)
        except NotFound:
            await self._sessions.start(_session(first, profile, policy))
            recorded = await self._turns.record(user_id, session_id, drafts, clock, policy)
        for result in recorded:
            if result.outcome != "reused":
                await self._keep(result.interaction, policy)
        results = {result.interaction.id: result for result in recorded}
        return {index: _outcome(submission.draft, by_id, results) for index, submission in group.items()}


def _outcome(draft: Draft, by_id: dict[str, Draft], results: dict[str, Recorded]) -> Outcome:
    """What became of a turn. Of several with one id in a batch the first is recorded, and the others repeat it."""
    result = results[draft.interaction_id]
    if result.interaction.request_hash != draft.origin.request_hash:
        return KeyReused()
    return result if draft is by_id[draft.interaction_id] else Recorded(result.interaction, "repeated")


def _runs(submissions: dict[int, Submission]) -> list[dict[int, Submission]]:
    """The turns by session, in order, no more at once than one batch takes."""
    by_session: dict[str, dict[int, Submission]] = defaultdict(dict)
    for index, submission in submissions.items():
        by_session[submission.draft.origin.session_id][index] = submission
    runs = []
    for group in by_session.values():
        entries = list(group.items())
        starts = range(0, len(entries), CLAIMS_PER_BATCH)
        runs += [dict(entries[start : start + CLAIMS_PER_BATCH]) for start in starts]
    return runs


def _session(submission: Submission, profile: UserProfile, policy: WritePolicy) -> UserSession:
    """The session that a turn of an unknown one must have been in: it starts with the turn."""
    origin = submission.draft.origin
    return UserSession(
        id=origin.session_id,
        partition_key=origin.user_id,
        user_id=origin.user_id,
        session_id=origin.session_id,
        start_time=origin.timestamp,
        last_activity=origin.timestamp,
        timezone=profile.timezone or "UTC",
        user_agent=submission.user_agent and submission.user_agent[:512],
        ip_address=origin.ip_address,
        device_type=origin.client.device_type,
        browser=origin.client.browser,
        platform=origin.client.platform,
        analytics_consent=policy.analytics,
        ttl=policy.session_ttl,
    )
