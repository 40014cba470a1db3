"""Container `user_bookmarks`: what a user keeps at hand."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from models.core.fields import EDITABLE, GIVEN, SHOWN, WORDS
from models.core.kinds import Kind, Names, Plain
from models.core.resource import Resource
from models.core.values import Uuid
from models.counting.fold import Source
from models.library.counting import counted_of_item
from models.library.item import ItemId, ItemType, Metadata


class Favorite(Resource):
    """A thing that its user keeps at hand: one for each user and thing."""

    container: ClassVar[str] = "user_bookmarks"

    partition_key: Uuid
    kind: Literal["favorite"] = "favorite"
    user_id: Annotated[Uuid, SHOWN] = Field(description="Whose it is; same as `partition_key`")
    item_type: Annotated[ItemType, GIVEN] = Field(description="What it is of, such as agent or document")
    item_id: Annotated[ItemId, GIVEN] = Field(description="The thing's id")
    item_name: Annotated[Annotated[str, StringConstraints(max_length=256)] | None, EDITABLE] = Field(
        default=None, description="The thing's name, as the client shows it"
    )
    notes: Annotated[Annotated[str, StringConstraints(max_length=4000)] | None, WORDS] = Field(
        default=None, description="The user's own notes"
    )
    metadata: Annotated[Metadata, EDITABLE] = Field(
        default_factory=dict, description="What the client notes besides; 4 kB at most"
    )


def _counts(favorite: Favorite, names: Names) -> list[tuple[str, Source]]:
    """One of the thing's favourites, as long as it is there."""
    return [counted_of_item(favorite, {} if favorite.is_deleted else {"favorites": 1}, names)]


FAVORITE = Kind(
    model=Favorite,
    capability="library",
    plain=Plain(
        path="me/favorites",
        one="favourite",
        many="favourites",
        key=("item_type", "item_id"),
        filters=("item_type",),
        example={"item_name": "Socrates", "notes": "For the ethics seminar", "metadata": {"colour": "blue"}},
    ),
    counts=_counts,
    importable=True,
)
