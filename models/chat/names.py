"""The names that turns are counted by, and which of them are known from elsewhere than from whom they are about.

A user's client may name what it likes. So that nobody fills the platform's lists with names that mean nothing to
others, a turn that a user recorded appears there under a name only if somebody else vouches for it: the price table,
for a model; turns that servers recorded; or the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from pydantic import Field

from models.core.document import Message
from models.core.values import Label, LanguageTag

Dimension = Literal["model", "personality", "category", "language"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

Names = Mapping[Dimension, Collection[str]]


class KnownNames(Message):
    """Names that the operator vouches for, by what they name."""

    model: list[Label] = Field(default_factory=list, description="Besides those of the price table")
    personality: list[Label] = Field(default_factory=list, description="Who answers")
    category: list[Label] = Field(default_factory=list, description="What questions are about")
    language: list[LanguageTag] = Field(default_factory=list, description="BCP 47 tags that clients may tell")

    @property
    def names(self) -> Names:
        return {dimension: frozenset(getattr(self, dimension)) for dimension in DIMENSIONS}


_LANGUAGES = (  # noqa: SIM905  # as a list it takes forty lines
    "ar bn cs da de el en es fa fi fr gu he hi hu id it ja kn ko ml mr ms nl no pa pl pt ro ru sa sv ta te th tr uk ur "
    "vi zh und"
).split()

DEFAULT_NAMES = KnownNames(
    personality=["assistant", "krishna", "buddha", "gandhi", "socrates", "einstein"],
    category=["general", "philosophy", "science", "history", "religion", "psychology", "technology", "health"],
    language=_LANGUAGES,
)


def unknown(given: Mapping[Dimension, str], *known: Names) -> list[Dimension]:
    """Those of the names given that nobody else knows."""
    return [
        dimension for dimension, name in given.items() if not any(name in names.get(dimension, ()) for names in known)
    ]
