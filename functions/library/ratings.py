"""What the user says of things: ratings, reviews, feedback."""

from __future__ import annotations

from cosmos.library.reviews import Reviews
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.resource_routes import document_of, routes_of, shown
from models.core.document import Message
from models.library.rating import ITEM_FEEDBACK, RATING, ItemFeedback

routes = Routes()
routes_of(RATING, routes, __name__)
routes_of(ITEM_FEEDBACK, routes, __name__)


@routes.operation(
    "POST",
    "me/feedback",
    summary="Comment on a thing; a rating that is given with it is the user's rating of the thing",
    action=ITEM_FEEDBACK.changing,
    body=ITEM_FEEDBACK.given,
    returns=ITEM_FEEDBACK.shown,
    status=201,
    etag=True,
)
async def create_feedback(call: Call[Message]) -> Reply:
    """Comment on a thing.

    A rating given with it becomes the user's `rating` of that thing, as by `PUT /api/me/ratings/{item_type}/{item_id}`,
    whose review stays as it is.
    """
    profile = await writer(call)
    item_id = ITEM_FEEDBACK.id_by_key(profile.id, call.idempotency_key)
    feedback: ItemFeedback = document_of(call, ITEM_FEEDBACK, profile, item_id, call.body)
    made = await call.store.repository(ITEM_FEEDBACK).create(feedback)
    if made.rating is not None:
        await call.store[Reviews].rate(made)
    return shown(ITEM_FEEDBACK, made)
