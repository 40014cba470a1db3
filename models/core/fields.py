"""Who sees a field of a stored document, and who says what it holds: declared at the field, as `Annotated` metadata.

A field without a mark is shown to nobody: an allow-list, so that a field which is added later is not told by accident.
From the marks follow the messages that a client exchanges: what it gives, what it changes, and what it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from models.core.changes import Changes
from models.core.document import Document, Message
from models.core.sealing import Secret


@dataclass(frozen=True)
class Mark:
    """What a client has to do with a field.

    Attributes:
        shown: Whether everybody who may read the document sees it.
        staff: Whether staff sees it. They see what everybody sees, too.
        given: Whether a client says it when it makes the document.
        changed: Whether a client may change it later.
        text: Whether it is in the user's own words: not stored without their `text_storage_consent`. It may be null.
        secret: Whether it is stored encrypted: a `Sealed`, which a client gives as a text. No answer shows it.
    """

    shown: bool = True
    staff: bool = True
    given: bool = False
    changed: bool = False
    text: bool = False
    secret: bool = False


SHOWN = Mark()
"""The server's to say, and shown."""

GIVEN = Mark(given=True)
"""Said once, by whoever makes the document."""

EDITABLE = Mark(given=True, changed=True)
"""Said by whoever makes the document, and changed later."""

WORDS = Mark(given=True, changed=True, text=True)
"""Likewise, in the user's own words."""

SECRET = Mark(shown=False, staff=False, given=True, changed=True, secret=True)
"""A key or password of somebody's: sealed as soon as it comes in, and opened by who uses it alone."""

CHANGEABLE = Mark(changed=True)
"""Has its default at first, and is changed later."""

STAFF_ONLY = Mark(shown=False)
"""For staff alone."""

HIDDEN = Mark(shown=False, staff=False)


def mark_of(field: FieldInfo) -> Mark:
    """The mark of a field; `HIDDEN` of one that has none."""
    return next((part for part in field.metadata if isinstance(part, Mark)), HIDDEN)


@cache
def own_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names of what a document shows to whose it is, where it is answered with its model.

    What every document has, and the fields that are marked as shown. What is computed is marked at its type.
    """
    computed = {
        name
        for name, field in model.model_computed_fields.items()
        if any(isinstance(part, Mark) and part.shown for part in getattr(field.return_type, "__metadata__", ()))
    }
    return marked(model, shown=True) | computed | (Document.model_fields.keys() & model.model_fields.keys())


def marked(model: type[BaseModel], **wanted: bool) -> frozenset[str]:
    """The names of a model's fields whose marks are as wanted, such as `given=True`."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if all(getattr(mark_of(field), what) is value for what, value in wanted.items())
    )


@cache
def given_model(model: type[Document], name: str, left_out: frozenset[str] = frozenset()) -> type[Message]:
    """The message that makes a document: the fields that a client gives, but for those that come by the path."""
    given = marked(model, given=True) - left_out
    return _message(name, {field: model.model_fields[field] for field in model.model_fields if field in given})


@cache
def changes_model(model: type[Document], name: str) -> type[Changes]:
    """The merge patch that edits a document: the fields that a client may change, each of which may be absent."""
    changed = marked(model, changed=True)
    fields = {
        field: (
            _as_sent(info),
            Field(default_factory=_absent, description=info.description),
        )
        for field, info in model.model_fields.items()
        if field in changed
    }
    return create_model(name, __base__=Changes, __doc__="What to change; what is absent stays.", **_any(fields))


@cache
def shown_model(model: type[Document], name: str, staff: bool = False) -> type[Message]:
    """The message that shows a document, to staff or to everybody who may read it."""
    shown = marked(model, staff=True) if staff else marked(model, shown=True)
    shown_fields = {field: info for field, info in model.model_fields.items() if field in shown}
    return _message(name, shown_fields, doc=(model.__doc__ or "").partition("\n")[0])


def shown_of(document: Document, message: type[Message]) -> Message:
    """A document as `message`, which `shown_model` made of its model, shows it."""
    return message.model_construct(**{name: getattr(document, name) for name in message.model_fields})


def _as_sent(info: FieldInfo) -> Any:
    """The type of a field as a client exchanges it: that of a secret is a text, and not what is stored of it."""
    if mark_of(info).secret:
        return Secret if info.is_required() else Secret | None
    return Annotated[info.annotation, *info.metadata]


def _absent() -> Any:
    """The default of what is absent from a patch. It is never read."""
    return None


def _message(name: str, fields: dict[str, FieldInfo], doc: str = "") -> type[Message]:
    described = {field: (_as_sent(info), _plain(info)) for field, info in fields.items()}
    return create_model(name, __base__=Message, __doc__=doc or f"{name}.", **_any(described))


def _plain(info: FieldInfo) -> Any:
    """What a field says of itself besides its type: its default and description."""
    if info.is_required():
        return Field(description=info.description)
    if info.default_factory is not None:
        return Field(default_factory=info.default_factory, description=info.description)
    return Field(default=info.default, description=info.description)


def _any(fields: dict[str, Any]) -> dict[str, Any]:
    return fields
