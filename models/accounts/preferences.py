"""The user's preferences and settings: those that the product knows are typed, others are kept as they come."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from models.core.changes import merged
from models.core.document import Message
from models.core.errors import PreferencesTooLarge
from models.core.values import Label

MAX_BYTES = 16 * 1024
"""Size of all preferences together, and of all settings, as JSON in UTF-8."""

MAX_DEPTH = 16
MAX_NAME_CHARACTERS = 128

Labels = Annotated[list[Label], Field(max_length=100)]


class OpenChanges(Message):
    """Base of merge patches of what may have any names and values, besides those that are typed."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "minProperties": 1,
            "propertyNames": {"minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
        },
    )
    __pydantic_extra__: dict[str, JsonValue]

    @model_validator(mode="after")
    def _can_be_stored(self) -> Self:
        _check(self.model_extra or {}, MAX_DEPTH)
        return self

    def applied(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values after this change.

        Raises:
            PreferencesTooLarge: they would have more than `MAX_BYTES`.
        """
        result: dict[str, Any] = merged(values, self.model_dump(mode="json", exclude_unset=True))
        if len(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
            raise PreferencesTooLarge(MAX_BYTES)
        return result


class PreferenceChanges(OpenChanges):
    """Preferences as a JSON merge patch: what is absent stays, null removes, a list replaces the one before.

    Further preferences may have any names and values: `theme`, `default_view`, `sidebar_collapsed`,
    `animations_enabled`, and whatever else a client keeps of its own looks.
    """

    favorite_personalities: Labels | None = Field(default=None, examples=[["socrates", "einstein"]])
    content_interests: Labels | None = Field(default=None, examples=[["philosophy", "science"]])
    preferred_response_style: Label | None = Field(
        default=None, description="scholarly, conversational, practical, ..."
    )
    preferred_sources: Labels | None = Field(default=None, examples=[["classical_texts", "scientific_papers"]])
    language_preference: Label | None = Field(default=None, description="english, hindi, sanskrit, ...")
    complexity_level: Label | None = Field(default=None, description="beginner, intermediate, advanced, expert")
    content_domains: Labels | None = Field(default=None, examples=[["philosophy", "history"]])
    interaction_style: Label | None = Field(default=None, description="socratic, direct, exploratory, guided")
    learning_goals: Labels | None = Field(default=None, examples=[["understanding_ethics"]])


class NotificationChanges(OpenChanges):
    """Notification settings as a JSON merge patch. Further settings may have any names and values."""

    email: bool | None = None
    in_app: bool | None = None
    weekly_digest: bool | None = None
    agent_updates: bool | None = None
    new_features: bool | None = None


class MetadataChanges(OpenChanges):
    """What the client notes besides, as a JSON merge patch: any names and values."""


def _check(value: Any, depth: int) -> None:
    """Raises ValueError for what a JSON document in Cosmos DB can't hold as it is."""
    if isinstance(value, dict | list) and not depth:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for name, member in value.items():
            if not 0 < len(name) <= MAX_NAME_CHARACTERS:
                raise ValueError(f"names must have 1 to {MAX_NAME_CHARACTERS} characters")
            _check(member, depth - 1)
    elif isinstance(value, list):
        for element in value:
            _check(element, depth - 1)
    elif (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > 2**53):
        raise ValueError("numbers must be finite, and whole ones at most 2**53")
