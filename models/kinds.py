"""All kinds of documents: the one list of them. What is not in it is not stored."""

from __future__ import annotations

from typing import Any

from models.core.kinds import Kind
from models.library.favorite import FAVORITE
from models.library.helpful_vote import HELPFUL_VOTE
from models.library.rating import ITEM_FEEDBACK, RATING
from models.library.review import REVIEW

_ALL: tuple[Kind[Any], ...] = (FAVORITE, RATING, ITEM_FEEDBACK, HELPFUL_VOTE, REVIEW)

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _ALL}
"""The kinds by name."""
