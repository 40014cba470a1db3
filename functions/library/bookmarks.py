"""The turns that the user saved."""

from __future__ import annotations

from pydantic import Field

from cosmos.chat.turns import Turns
from cosmos.library.bookmarks import BookmarkFilter, Bookmarks
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.chat.interaction import TurnId
from models.core.changes import Changes
from models.core.document import Message
from models.core.errors import NotFound
from models.core.identity import request_id_of
from models.core.search import MAX_TERMS, SearchText, terms_of
from models.core.values import Count, Label
from models.library.actions import CHANGE_BOOKMARKS, READ_BOOKMARKS
from models.library.bookmark import BookmarkRequest, Notes, Tags, Title, UserBookmark, bookmark_id_of

routes = Routes()


class NewBookmark(Message):
    """Which turn to save, and what to remember with it."""

    interaction_id: TurnId
    bookmark_title: Title | None = Field(default=None, description="Made from the question if absent")
    bookmark_tags: Tags = Field(default_factory=list)
    bookmark_notes: Notes | None = None
    bookmark_collection: Label | None = None
    is_favorite: bool = False


class BookmarkChanges(Changes):
    """What to change. What is absent stays; null empties the notes, or takes the bookmark out of its collection."""

    bookmark_title: Title = Field(default_factory=str)
    bookmark_tags: Tags = Field(default_factory=list)
    bookmark_notes: Notes | None = None
    bookmark_collection: Label | None = None
    is_favorite: bool = Field(default_factory=bool)


class BookmarkQuery(Paged):
    """Which bookmarks to list: those that fit all that is given."""

    collection: Label | None = None
    tag: Label | None = None
    favorite: bool | None = None
    text: SearchText | None = Field(
        default=None,
        description=f"Up to {MAX_TERMS} words, each in the title, the notes or the question: English ones in any of "
        "their forms, those of other scripts as parts of words, too",
    )


class Collection(Message):
    """One of the user's collections."""

    name: Label
    bookmarks: Count = Field(description="How many bookmarks it has")


class Collections(Message):
    """The user's collections by name."""

    items: list[Collection]


@routes.operation(
    "POST",
    "bookmarks",
    summary="Save a turn; saved twice, it is the same bookmark",
    action=CHANGE_BOOKMARKS,
    body=NewBookmark,
    returns=UserBookmark,
    status=201,
    problems=("not-found",),
    etag=True,
)
async def save_bookmark(call: Call[NewBookmark]) -> Reply:
    profile, wanted = await writer(call), call.body
    user_id = profile.id
    try:
        turn = await call.store[Turns].read(user_id, wanted.interaction_id)
    except NotFound:
        kept = await call.store[Bookmarks].find(user_id, bookmark_id_of(user_id, wanted.interaction_id))
        if kept is None:  # else the turn has expired, and its bookmark has not
            raise
        return _shown(kept)
    bookmark = UserBookmark.of(
        turn,
        call.now,
        title=wanted.bookmark_title,
        texts=profile.text_storage_consent,
        bookmark_tags=wanted.bookmark_tags,
        bookmark_notes=wanted.bookmark_notes,
        bookmark_collection=wanted.bookmark_collection,
        is_favorite=wanted.is_favorite,
        analytics_consent=profile.analytics_consent,
    )
    return _shown(await call.store[Bookmarks].save(turn, bookmark, _request(call, user_id)))


@routes.operation(
    "GET",
    "bookmarks",
    summary="The user's bookmarks, newest first",
    action=READ_BOOKMARKS,
    query=BookmarkQuery,
    returns=Page[UserBookmark],
)
async def list_bookmarks(call: Call[None]) -> Page[UserBookmark]:
    query: BookmarkQuery = call.query
    wanted = BookmarkFilter(query.collection, query.tag, query.favorite, terms_of(query.text or ""))
    user_id = call.person.user_id
    bookmarks, following = await call.store[Bookmarks].page(user_id, wanted, query.limit, verified_continuation(call))
    return Page(items=bookmarks, continuation=signed_continuation(call, following))


@routes.operation(
    "GET", "bookmarks/collections", summary="The user's collections", action=READ_BOOKMARKS, returns=Collections
)
async def list_collections(call: Call[None]) -> Collections:
    counts = await call.store[Bookmarks].collections(call.person.user_id)
    return Collections(items=[Collection(name=name, bookmarks=counts[name]) for name in sorted(counts)])


@routes.operation(
    "GET",
    "bookmarks/{bookmark_id:guid}",
    summary="Open a bookmark: this counts in `access_count`, and leaves its ETag as it is",
    action=READ_BOOKMARKS,
    returns=UserBookmark,
    etag=True,
)
async def open_bookmark(call: Call[None]) -> Reply:
    return _shown(await call.store[Bookmarks].open(call.person.user_id, call.uuid("bookmark_id"), call.now))


@routes.operation(
    "PATCH",
    "bookmarks/{bookmark_id:guid}",
    summary="Change a bookmark's title, tags, notes, collection or whether it is a favourite",
    action=CHANGE_BOOKMARKS,
    body=BookmarkChanges,
    returns=UserBookmark,
    if_match=True,
    etag=True,
)
async def edit_bookmark(call: Call[BookmarkChanges]) -> Reply:
    user_id, bookmark_id = (await writer(call)).id, call.uuid("bookmark_id")
    edited = await call.store[Bookmarks].edit(user_id, bookmark_id, call.expected_revisions, call.body.given())
    return _shown(edited)


@routes.operation(
    "DELETE",
    "bookmarks/{bookmark_id:guid}",
    summary="Delete a bookmark",
    action=CHANGE_BOOKMARKS,
    returns=None,
    status=204,
    if_match=True,
)
async def delete_bookmark(call: Call[None]) -> Reply:
    user_id, bookmark_id = (await writer(call)).id, call.uuid("bookmark_id")
    await call.store[Bookmarks].delete(user_id, bookmark_id, call.expected_revisions, call.now)
    return Reply(None)


def _shown(bookmark: UserBookmark) -> Reply:
    """With its revision as its ETag: the database's own would change whenever somebody opens the bookmark."""
    return Reply(bookmark, etag=revision_etag(bookmark))


def _request(call: Call[NewBookmark], user_id: str) -> BookmarkRequest | None:
    key = call.idempotency_key
    if key is None:
        return None
    request_id = request_id_of(user_id, "bookmarks", key)
    return BookmarkRequest(id=request_id, partition_key=user_id, request_hash=content_hash(call.body))
