"""What every stored document has."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Base of all that is exchanged or stored: strictly typed, unknown fields refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, validate_default=True, json_schema_serialization_defaults_required=True
    )


class Document(Message):
    """Base of every stored document. Cosmos DB's own properties (`_etag`, `_ts`, ...) are not fields."""

    container: ClassVar[str]

    id: str = Field(min_length=1, max_length=255, description="The document's id, unique in its partition")
    partition_key: str = Field(min_length=1, description="The logical partition: for a user's data the user_id")
    kind: str = Field(description="What kind of document it is")
    schema_version: int = Field(default=1, ge=1, description="Version of this kind's fields")
    revision: int = Field(
        default=1, ge=1, description="Counts the writes that matter to a reader of the change feed, from 1"
    )
    ttl: int | None = Field(
        default=None, description="Seconds from the last write until it expires; the container's default if absent"
    )

    @classmethod
    def parse(cls, item: dict[str, Any]) -> Self:
        """The document in `item`, as Cosmos DB returned it.

        Raises:
            pydantic.ValidationError: the item is not of this kind.
        """
        return cls.model_validate({name: value for name, value in item.items() if not name.startswith("_")})

    def body(self) -> dict[str, Any]:
        """The JSON body to store, without what follows from it. An unset `ttl` is left out: Cosmos DB refuses null."""
        body = self.model_dump(mode="json", exclude=set(type(self).model_computed_fields))
        if self.ttl is None:
            del body["ttl"]
        return body
