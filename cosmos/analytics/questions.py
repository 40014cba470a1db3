"""Container `user_analytics`: what is asked most in a month."""

from __future__ import annotations

from collections.abc import Collection

from cosmos.core.database import Database
from cosmos.core.paging import rows_of
from models.analytics.insights import CommonQuestion
from models.analytics.question import ASKERS_NEEDED, Asked, Question
from models.core.pseudonyms import PLATFORM, Pseudonyms
from models.counting.bucket import Bucket, bucket_id

CANDIDATES = 100
"""Questions looked at at once: accounts that are left out may have asked the first of them."""


class Questions:
    """Reads the questions of a month."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._analytics = database.user_analytics
        self._pseudonyms = pseudonyms

    async def common(self, month: str, limit: int, without: Collection[str]) -> list[CommonQuestion]:
        """The questions of a month of UTC that most users asked, and that may be shown, without some of the users.

        By an index on how many asked it, until those that follow can't be among the first any more.
        """
        found: list[CommonQuestion] = []
        for start in range(0, 100 * CANDIDATES, CANDIDATES):
            candidates = await self._candidates(month, start)
            asked = await self._asked(candidates, without) if without else {one.period_key: None for one in candidates}
            for one in candidates:
                known = asked.get(one.period_key) or Asked.model_validate(
                    one.model_dump(include=set(Asked.model_fields))
                )
                if known.askers >= ASKERS_NEEDED:
                    found.append(CommonQuestion.of(one, known))
            found = sorted(found, key=lambda question: question.rank)[:limit]
            is_full = len(found) == limit and found[-1].askers > candidates[-1].askers if candidates else True
            if is_full or len(candidates) < CANDIDATES:
                break
        return found

    async def _candidates(self, month: str, start: int) -> list[Question]:
        query = (
            "SELECT * FROM c WHERE c.shown_askers > 0 AND c.id >= @first AND c.id < @end "
            "ORDER BY c.shown_askers DESC OFFSET @start LIMIT @limit"
        )
        first = bucket_id(PLATFORM, Bucket("question", f"{month}:"))
        parameters = {"first": first, "end": f"{first}~", "start": start, "limit": CANDIDATES}
        return [Question.parse(row) for row in await rows_of(self._analytics, query, parameters, PLATFORM)]

    async def _asked(self, questions: Collection[Question], without: Collection[str]) -> dict[str, Asked | None]:
        """How often each was asked by others than these users: the shard that counts it knows its askers by names that
        only the key tells."""
        places = {}
        for one in questions:
            shard = self._pseudonyms.shard(one.period_key.partition(":")[2])
            places[bucket_id(shard, one.bucket)] = shard
        items = await self._analytics.read_items(list(places.items())) if places else []
        asked: dict[str, Asked | None] = {}
        for held in map(Question.parse, items):
            names = {self._pseudonyms.asker(held.period_key, user) for user in without}
            asked[held.period_key] = held.asked(names)
        return asked
