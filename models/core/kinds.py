"""Kinds of documents, each declared once: what follows from a declaration is made from it in one place each.

`models.kinds` is the list of all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Generic, Literal, Protocol, TypeVar

from models.core.changes import Changes
from models.core.document import Document, Message
from models.core.fields import changes_model, given_model, marked, shown_model
from models.core.mirrors import Mirror
from models.core.pseudonyms import Pseudonyms
from models.core.resource import Resource
from models.core.rights import Action

D = TypeVar("D", bound=Document)
R = TypeVar("R", bound=Resource)

Verb = Literal["create", "list", "read", "edit", "delete", "restore"]
ALL_VERBS: frozenset[Verb] = frozenset({"create", "list", "read", "edit", "delete", "restore"})

OF_SINGLE: frozenset[Verb] = ALL_VERBS - {"list"}

_IDS = uuid.UUID("b7f0a3c2-52f1-5c0e-9d3c-76696d617273")


class Names(Protocol):
    """Gives names that lead back to nobody without a secret."""

    def named(self, label: str, *parts: str) -> str:
        """A keyed hash: 32 hexadecimal digits. Under another label the same parts have another name."""


class Owner(Enum):
    """Whose a document is: this decides its partition."""

    USER = "the user"
    """In the partition of their `user_id`: export and erasure reach it there."""

    ORGANIZATION = "an organization"
    """In `org:<organization_id>`."""

    ITEM = "an item"
    """In `item:<type>:<id>`: what people say of a thing, and what is counted of it."""

    PLATFORM = "the platform"
    NOBODY = "nobody"
    """A claim of something that must be unique, or a receipt: a partition of its own."""


class Mentioned(Enum):
    """What becomes of a document that names somebody who is erased, where it is not their own."""

    DELETED = "deleted"
    REDACTED = "redacted"
    """It stays, without what concerns them: see `Kind.redacted`."""


@dataclass(frozen=True)
class Order:
    """An order in which a list can be asked for: by a field that is indexed."""

    field: str
    descending: bool = True


@dataclass(frozen=True, kw_only=True)
class Plain:
    """The routes of a kind that has no rules of its own for making, reading, changing and deleting.

    Attributes:
        path: Of the list, below the API's prefix, such as `me/favorites`.
        one: What one is called, such as `favourite`.
        many: The plural.
        key: The fields that make its id, and are in the path of one: it is made, or replaced, by PUT then. Without
            any it is made by POST, and its id is a UUID.
        single: Each user has one at most, at `path`: it is made or replaced by PUT, and edited. Its `verbs` are
            `OF_SINGLE`, or some of them.
        verbs: What there are routes for.
        filters: Fields by whose values a list can be narrowed. They must be indexed.
        order: Of a list.
        example: A body that makes one; with `key`, without its fields.
        changes: A body that edits one, if it can be edited.
        of_profile: What it takes from the profile of its user when it is made.
    """

    path: str
    one: str
    many: str
    key: tuple[str, ...] = ()
    single: bool = False
    verbs: frozenset[Verb] = ALL_VERBS
    filters: tuple[str, ...] = ()
    order: Order = field(default_factory=lambda: Order("created_at"))
    example: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    of_profile: Callable[[Any], Mapping[str, Any]] | None = None

    @property
    def is_put(self) -> bool:
        """Whether its id follows from its path: it is put there."""
        return self.single or bool(self.key)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[D]):
    """One kind of document.

    Attributes:
        model: Its fields, with their marks; the container, too.
        capability: The folder that it is in.
        plain: Its routes, if it needs no others for these.
        retention: Seconds that it is kept after its last write; None for its container's.
        counts: What it counts, and where: `(partition, Source)` for each of its sources; a pure function of one state
            of it, deleted or not, and of the names that it goes by where nobody is to be named.
        remembered: Whether the ledger keeps it as long as its container does, also where its own retention was
            shortened: what counts it stays, and if it is sent again later it is not counted again.
        rebuilt: Whether it counts for its owner, so that a rebuild compares it with the ledger.
        mirrors: What other partitions show of it: such a function, too.
        mentioned: What an erasure does with it in somebody else's partition, if it names people there.
        redacted: The fields that are emptied then; those that are lists lose whoever is erased.
        deleted_with: The field that names the one with whom it is deleted, where others are only taken out of it.
        freed: Operations of the transaction in which an erasure deletes it: what else of its partition it changes.
        told: The fields that a person who is mentioned gets of it in their export, besides its kind and id.
        withheld: Fields that a user does not get of their own documents: they would tell who somebody else is.
        kept: Fields that others set, such as counts, and that stay when it is made anew by PUT.
        enumerations: Its `Literal` types by the names that generated clients give them.
        in_path: What else of it is named in paths and is no UUID: types by the names of parameters.
        importable: Whether documents of it can be brought over from another system.
        readers: Who may read it, as fields of `Action`: whose it is, if nothing else is said.
        writers: Who may make, change, delete and restore it, likewise.
    """

    model: type[D]
    capability: str
    owner: Owner = Owner.USER
    plain: Plain | None = None
    retention: int | None = None
    counts: Callable[[D, Pseudonyms], list[tuple[str, Any]]] | None = None
    remembered: bool = False
    rebuilt: bool = False
    mirrors: Callable[[D, Names], list[Mirror]] | None = None
    mentioned: Mentioned | None = None
    redacted: tuple[str, ...] = ()
    deleted_with: str | None = None
    freed: Callable[[Mapping[str, Any]], list[Any]] | None = None
    told: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    enumerations: Mapping[str, Any] = field(default_factory=dict)
    in_path: Mapping[str, Any] = field(default_factory=dict)
    importable: bool = False
    readers: Mapping[str, Any] = field(default_factory=lambda: {"owner": True})
    writers: Mapping[str, Any] = field(default_factory=lambda: {"owner": True})

    @property
    def name(self) -> str:
        return str(self.model.model_fields["kind"].default)

    @property
    def container(self) -> str | None:
        """None for what may be in any."""
        return getattr(self.model, "container", None)

    @property
    def called(self) -> str:
        """What people call one."""
        return self.plain.one if self.plain else self.name.replace("_", " ")

    @property
    def routes(self) -> Plain:
        if self.plain is None:
            raise LookupError(f"{self.name} has no routes of its own")
        return self.plain

    @cached_property
    def reading(self) -> Action:
        return Action(name=f"{self.name}.read", to=self.called, **self.readers)

    @cached_property
    def changing(self) -> Action:
        return Action(name=f"{self.name}.change", to=self.called, changes=True, **self.writers)

    @cached_property
    def given(self) -> type[Message]:
        """The message that makes one. What the path says is not in it."""
        return given_model(self.model, f"New{self.model.__name__}", frozenset(self.routes.key))

    @cached_property
    def changes(self) -> type[Changes]:
        """The message that edits one."""
        return changes_model(self.model, f"{self.model.__name__}Changes")

    @cached_property
    def shown(self) -> type[Message]:
        """The message that shows one to those who may read it."""
        return shown_model(self.model, self.model.__name__)

    @cached_property
    def words(self) -> frozenset[str]:
        """The fields that are not stored without consent to texts."""
        return marked(self.model, text=True)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The fields that are stored encrypted."""
        return marked(self.model, secret=True)

    @cached_property
    def editable(self) -> frozenset[str]:
        return marked(self.model, changed=True)

    def id_of(self, owner: str, values: Mapping[str, Any]) -> str:
        """The id of one whose key has these values."""
        name = self.name.replace("_", "-") if self.routes.single else self.name
        return "-".join([name, *(str(values[key]) for key in self.routes.key)])

    def id_by_key(self, owner: str, idempotency_key: str | None) -> str:
        """The id of a new one that is made by POST: the same for the same idempotency key of the same owner."""
        if idempotency_key is None:
            return str(uuid.uuid4())
        return str(uuid.uuid5(_IDS, f"{owner}/{self.name}/{idempotency_key}"))
