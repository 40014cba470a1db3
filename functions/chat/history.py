"""What the user asked and was answered: searched, read, and what they think of it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from cosmos.chat.history import History, HistoryFilter
from cosmos.chat.turns import Turns
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.chat.actions import CHANGE_TURNS, READ_TURNS
from models.chat.feedback import FeedbackChanges, Stars
from models.chat.interaction import TurnId, UserInteraction
from models.core.errors import NotFound
from models.core.search import MAX_TERMS, SearchText, terms_of
from models.core.values import Label, Timestamp, Uuid

routes = Routes()

_TURN_ID: TypeAdapter[str] = TypeAdapter(TurnId)


class HistoryQuery(Paged):
    """Which turns to list: those that fit all that is given."""

    from_: Timestamp | None = Field(default=None, alias="from", description="Asked then or later")
    to: Timestamp | None = Field(default=None, description="Asked before")
    personality: Label | None = None
    category: Label | None = None
    rating: Stars | None = Field(default=None, description="Stars, 1-5")
    bookmarked: bool | None = None
    session_id: Uuid | None = None
    text: SearchText | None = Field(
        default=None,
        description=f"Up to {MAX_TERMS} words that must occur in the question: English ones in any of their forms, "
        "those of other scripts as parts of words, too",
    )


@routes.operation(
    "GET",
    "interactions",
    summary="The user's turns, newest first",
    action=READ_TURNS,
    query=HistoryQuery,
    returns=Page[UserInteraction],
)
async def list_interactions(call: Call[None]) -> Page[UserInteraction]:
    query: HistoryQuery = call.query
    wanted = HistoryFilter(
        start=query.from_,
        end=query.to,
        personality=query.personality,
        category=query.category,
        rating=query.rating,
        bookmarked=query.bookmarked,
        session_id=query.session_id,
        terms=terms_of(query.text or ""),
    )
    user_id = call.person.user_id
    turns, following = await call.store[History].page(user_id, wanted, query.limit, verified_continuation(call))
    return Page(items=turns, continuation=signed_continuation(call, following))


@routes.operation(
    "GET", "interactions/{interaction_id}", summary="A turn", action=READ_TURNS, returns=UserInteraction, etag=True
)
async def get_interaction(call: Call[None]) -> Reply:
    return _shown(await call.store[Turns].read(call.person.user_id, _turn_id(call)))


@routes.operation(
    "PATCH",
    "interactions/{interaction_id}",
    summary="Say what you think of an answer",
    action=CHANGE_TURNS,
    body=FeedbackChanges,
    returns=UserInteraction,
    if_match=True,
    etag=True,
)
async def give_feedback(call: Call[FeedbackChanges]) -> Reply:
    """The latest feedback counts; the ten before it are kept in `feedback_history`.

    The words in `user_feedback` are not stored without `text_storage_consent`, or of a turn whose texts are not stored.
    """
    profile, turn_id = await writer(call), _turn_id(call)
    turn = await call.store[Turns].give_feedback(
        profile.id, turn_id, call.expected_revisions, call.body, call.now, profile.text_storage_consent
    )
    return _shown(turn)


def _shown(turn: UserInteraction) -> Reply:
    return Reply(turn, etag=revision_etag(turn))


def _turn_id(call: Call[Any]) -> str:
    """The turn's id of the path. What is not of an id's form names no turn, and may not be asked the database for."""
    try:
        return _TURN_ID.validate_python(call.request.route_params["interaction_id"])
    except ValidationError:
        raise NotFound("interaction") from None
