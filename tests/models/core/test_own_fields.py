"""A document answered to whose it is: an allow-list at the fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, computed_field

from models.core.document import Document, Message
from models.core.fields import HIDDEN, SHOWN, STAFF_ONLY, WORDS, own_fields
from models.core.values import Uuid

ALL_HAVE = {"id", "partition_key", "kind", "schema_version", "revision", "ttl"}


class _Fields(Message):
    """Of each mark one, of whatever is stored."""

    shown: Annotated[str, SHOWN] = "a"
    words: Annotated[str | None, WORDS] = Field(default=None, description="Text")
    staff: Annotated[str, STAFF_ONLY] = "b"
    hidden: Annotated[str, HIDDEN] = "c"
    new: str = "d"
    constrained: Annotated[Annotated[str, Field(max_length=3)], SHOWN] = "e"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def told(self) -> Annotated[str, SHOWN]:
        return self.shown

    @computed_field  # type: ignore[prop-decorator]
    @property
    def derived(self) -> str:
        return self.staff

    @computed_field  # type: ignore[prop-decorator]
    @property
    def staffs(self) -> Annotated[str, STAFF_ONLY]:
        return self.staff


def test_what_is_marked_as_shown_is_shown_and_nothing_that_was_added_since() -> None:
    assert own_fields(_Fields) == {"shown", "words", "constrained", "told"}


def test_what_every_document_has_is_shown_also_where_a_kind_says_it_more_precisely() -> None:
    assert own_fields(Document) == ALL_HAVE
    precise = {"__module__": __name__, "__annotations__": {"partition_key": Uuid, "kind": Literal["x"]}, "kind": "x"}
    assert own_fields(type("_Precise", (Message,), precise)) == {"partition_key", "kind"}
