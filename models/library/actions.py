"""Who may do what about what is kept, and what people say of things."""

from __future__ import annotations

from models.core.app_roles import MODERATORS
from models.core.rights import Action

READ_BOOKMARKS = Action(name="bookmark.read", to="bookmark", owner=True)
CHANGE_BOOKMARKS = Action(name="bookmark.change", to="bookmark", owner=True, changes=True)
READ_REVIEWS = Action(name="review.read", to="item", people=True)
VOTE = Action(name="review.vote", to="review", people=True, changes=True)
MODERATE_REVIEW = Action(
    name="review.moderate", to="review", staff=MODERATORS, spares="oneself and superiors", changes=True
)
