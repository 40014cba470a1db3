"""Container `user_bookmarks`: saved turns, and the mark that each leaves on its turn.

A bookmark and the mark (`was_bookmarked`) are in two containers, so they are written one after the other: the bookmark
first, as it is what counts. The mark is set with the bookmark's revision and only over an older one, so that whoever
repeats a request that broke off completes it, and late or repeated writes change nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cosmos.core.database import Database
from cosmos.core.paging import full_page_of, page_of
from cosmos.core.patching import at_revision, patch, patch_if, require_revision, set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.searching import containing
from cosmos.core.swapping import Outrun, repeat, transact, write_over, written_over
from models.chat.interaction import UserInteraction
from models.core.errors import KeyReused, NotFound, Stale
from models.core.revisions import ANY_REVISION, Revisions
from models.core.search import NO_TERMS, Terms
from models.core.values import format_timestamp
from models.core.write_policy import WritePolicy
from models.library.bookmark import BookmarkRequest, DeletedBookmark, UserBookmark

NAMES_PER_REQUEST = 1000
SEARCHED = ("bookmark_title", "bookmark_notes", "original_query")


@dataclass(frozen=True)
class BookmarkFilter:
    """Which bookmarks to list; None asks for any.

    Attributes:
        terms: Each must occur in the title, the notes or the question.
    """

    collection: str | None = None
    tag: str | None = None
    favorite: bool | None = None
    terms: Terms = NO_TERMS

    def query(self) -> tuple[str, dict[str, Any]]:
        """The query, newest first, and its parameters."""
        conditions, parameters = ['c.kind = "bookmark"'], dict[str, Any]()
        if self.collection is not None:
            conditions.append("c.bookmark_collection = @collection")
            parameters["collection"] = self.collection
        if self.tag is not None:
            conditions.append("ARRAY_CONTAINS(c.bookmark_tags, @tag)")
            parameters["tag"] = self.tag
        if self.favorite is not None:
            conditions.append("c.is_favorite = @favorite")
            parameters["favorite"] = self.favorite
        searching, searched = containing(self.terms, SEARCHED)
        conditions += searching
        parameters |= searched
        where = " AND ".join(conditions)
        return f"SELECT * FROM c WHERE {where} ORDER BY c.bookmarked_at DESC", parameters  # noqa: S608  # no values


class Bookmarks:
    """Reads and writes bookmarks."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_bookmarks
        self._interactions = database.user_interactions

    async def save(
        self, turn: UserInteraction, bookmark: UserBookmark, request: BookmarkRequest | None = None
    ) -> UserBookmark:
        """Saves a turn and marks it; the bookmark that is there, if it is saved already.

        Args:
            request: Of the idempotency key, if there is one.

        Raises:
            KeyReused: the key came before with another request.
            NotFound: the key came before with this request, and what it made was deleted since.
        """
        saved = await self._save(bookmark, request)
        if not turn.was_bookmarked or turn.bookmark_revision < saved.revision:
            await self._mark(saved, saved=True)
        return saved

    async def find(self, user_id: str, bookmark_id: str) -> UserBookmark | None:
        """A bookmark, by one point read, without counting it as opened."""
        held = await self._held(user_id, bookmark_id)
        return held[0] if held and isinstance(held[0], UserBookmark) else None

    async def open(self, user_id: str, bookmark_id: str, now: datetime) -> UserBookmark:
        """A bookmark, which counts as opened: read and counted by one request.

        Raises:
            NotFound: the user has no such bookmark.
        """
        opened = [
            {"op": "incr", "path": "/access_count", "value": 1},
            *set_fields({"last_accessed": format_timestamp(now)}),
        ]
        return await self._patch(user_id, bookmark_id, opened, 'c.kind = "bookmark"')

    async def edit(self, user_id: str, bookmark_id: str, expected: Revisions, changes: dict[str, Any]) -> UserBookmark:
        """Sets fields to JSON values, if the bookmark still is at a revision that is expected.

        Raises:
            NotFound: the user has no such bookmark.
            Stale: it has been edited since.
        """
        edited = [*set_fields(changes), {"op": "incr", "path": "/revision", "value": 1}]
        unchanged = f'c.kind = "bookmark" AND {at_revision(expected)}'
        return await self._patch(user_id, bookmark_id, edited, unchanged)

    async def delete(self, user_id: str, bookmark_id: str, expected: Revisions, now: datetime) -> None:
        """Deletes a bookmark that still is at a revision that is expected, and unmarks its turn.

        May be repeated with the revision that it had; whoever expects any finds nothing then.

        Raises:
            NotFound: the user has no such bookmark.
            Stale: it has been edited since.
        """

        async def deleted() -> None:
            held = await self._held(user_id, bookmark_id)
            if held is None:
                raise NotFound("bookmark")
            document, etag = held
            if isinstance(document, DeletedBookmark):
                await self._mark(document, saved=False)
                if expected == ANY_REVISION or document.revision - 1 not in expected:
                    raise NotFound("bookmark")
                return
            require_revision(document, expected)
            after = DeletedBookmark.of(document, now)
            await write_over(self._container, after.body(), etag)
            await self._mark(after, saved=False)

        await repeat("a bookmark", deleted)

    async def page(
        self, user_id: str, wanted: BookmarkFilter, limit: int, continuation: str | None
    ) -> tuple[list[UserBookmark], str | None]:
        """One page of a user's bookmarks, newest first, and the continuation of the next."""
        query, parameters = wanted.query()
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, user_id)
        return [UserBookmark.parse(row) for row in rows], following

    async def collections(self, user_id: str) -> Counter[str]:
        """How many bookmarks each of the user's collections has. Reads their names alone, from the index."""
        query = 'SELECT c.bookmark_collection FROM c WHERE c.kind = "bookmark" AND NOT IS_NULL(c.bookmark_collection)'
        counts: Counter[str] = Counter()
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(self._container, query, {}, NAMES_PER_REQUEST, continuation, user_id)
            counts.update(row["bookmark_collection"] for row in rows)
            if continuation is None:
                return counts

    async def keep(self, turn: UserInteraction, policy: WritePolicy) -> None:
        """The bookmark of a turn that came as bookmarked: saved when it was asked, as nothing else is known of it.

        What has been a bookmark is not made one again when the turn is sent again: the user may have deleted it.
        """
        if turn.was_bookmarked and not turn.bookmark_revision:
            consent = turn.analytics_consent
            await self.save(turn, UserBookmark.of(turn, turn.timestamp, texts=policy.texts, analytics_consent=consent))

    async def _save(self, bookmark: UserBookmark, request: BookmarkRequest | None) -> UserBookmark:
        user_id = bookmark.user_id
        claims: list[Any] = [("create", (request.body(),))] if request else []
        operation = written_over(bookmark.body(), None)

        async def saved() -> UserBookmark:
            nonlocal bookmark, operation
            try:
                await transact(self._container, [*claims, operation], user_id)
                return bookmark
            except Outrun as outrun:
                lost = outrun
            held = await self._held(user_id, bookmark.id)
            live = held[0] if held and isinstance(held[0], UserBookmark) else None
            if request and await self._is_repeated(request):
                if live is None:
                    raise NotFound("bookmark")
                return live
            if live is not None:
                if request:  # somebody else may have used the key just now, perhaps with another request
                    await write_over(self._container, request.body(), None)
                return live
            if held is not None:
                bookmark = bookmark.model_copy(update={"revision": held[0].revision + 1})
            operation = written_over(bookmark.body(), held[1] if held else None)
            raise lost

        return await repeat("a bookmark", saved)

    async def _is_repeated(self, request: BookmarkRequest) -> bool:
        stored = await read_or_none(self._container, request.id, request.partition_key, [request.kind])
        if stored is None:
            return False
        if stored["request_hash"] != request.request_hash:
            raise KeyReused
        return True

    async def _held(self, user_id: str, bookmark_id: str) -> tuple[UserBookmark | DeletedBookmark, str] | None:
        """What is stored under the id, with its ETag."""
        item = await read_or_none(self._container, bookmark_id, user_id)
        if item is None:
            return None
        kinds: dict[str, type[UserBookmark | DeletedBookmark]] = {
            "bookmark": UserBookmark,
            "deleted_bookmark": DeletedBookmark,
        }
        kind = kinds.get(item["kind"])
        return (kind.parse(item), item["_etag"]) if kind else None

    async def _patch(
        self, user_id: str, bookmark_id: str, operations: list[dict[str, Any]], condition: str
    ) -> UserBookmark:
        try:
            item = await patch(self._container, bookmark_id, user_id, operations, condition)
        except Outrun as outrun:
            if outrun.why == "gone" or await self.find(user_id, bookmark_id) is None:
                raise NotFound("bookmark") from None
            raise Stale from None
        return UserBookmark.parse(item)

    async def _mark(self, bookmark: UserBookmark | DeletedBookmark, saved: bool) -> None:
        """Sets the mark on the turn, unless that of a later revision is there, or the turn is gone."""
        older = f"NOT IS_DEFINED(c.bookmark_revision) OR c.bookmark_revision < {bookmark.revision}"
        operations = [
            *set_fields({"was_bookmarked": saved, "bookmark_revision": bookmark.revision}),
            {"op": "incr", "path": "/revision", "value": 1},
        ]
        await patch_if(self._interactions, bookmark.interaction_id, bookmark.partition_key, operations, older)
