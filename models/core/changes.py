"""Edits as JSON merge patches (RFC 7386): what is absent stays, and null clears."""

from __future__ import annotations

from typing import Any, Self

from pydantic import ConfigDict, model_validator

from models.core.document import Message


class Changes(Message):
    """Base of what an edit sends: at least one field. A field that may not be null has a default that is never used."""

    model_config = ConfigDict(validate_default=False, json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set and not self.model_extra:
            raise ValueError("must have at least one field")
        return self

    def given(self) -> dict[str, Any]:
        """The fields that were sent, as the values they have in documents."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def merged(target: Any, patch: Any) -> Any:
    """`target` after the merge patch `patch`: the algorithm of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
