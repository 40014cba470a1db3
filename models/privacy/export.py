"""What a user gets of everything that is held about them: lines of JSON, one after the other.

The first line of the first page is a manifest. A document follows on a line of its own, as it is stored but for Cosmos
DB's own properties. Every page ends with a line that says where to go on, or that this was all: a page without one was
cut off on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from models.core.document import Document, Message
from models.core.values import Count, Timestamp, Uuid

FORMAT_VERSION = 1

_BREAKS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\u0085\u2028\u2029"}

Counts = dict[str, dict[str, Count]]
"""Documents by container and kind."""

SEEN = ("rule", "pattern", "observed", "turns", "first_seen", "last_seen")
"""The fields of a finding on abuse that its user gets."""

UNNAMED = "unknown"
"""The kind of a document that does not tell its kind."""


def as_line(record: Message) -> str:
    """A record as one line of JSON, by every reader's notion of a line: also what breaks one in Unicode is escaped."""
    return record.model_dump_json().translate(_BREAKS)


class Manifest(Message):
    """The first line."""

    record: Literal["manifest"] = "manifest"
    format_version: int = Field(default=FORMAT_VERSION, description="Of these lines")
    made_at: Timestamp = Field(description="When the export began")
    user_id: Uuid
    counts: Counts = Field(description="Documents by container and kind, when the export began")
    schema_versions: dict[str, int] = Field(
        description="By kind: the version of its fields that is written at present. Each document tells its own"
    )


class ExportedDocument(Message):
    """One document."""

    record: Literal["document"] = "document"
    container: str
    document: dict[str, Any] = Field(
        description="As it is stored, but for Cosmos DB's own properties, and for what findings on abuse were judged by"
    )


class MoreToCome(Message):
    """The last line of a page that others follow."""

    record: Literal["continuation"] = "continuation"
    continuation: str = Field(description="Of the next page")


class ExportEnd(Message):
    """The last line of the last page."""

    record: Literal["end"] = "end"
    counts: Counts = Field(description="Documents by container and kind, in all pages of this export")
    schema_versions: dict[str, list[int]] = Field(description="By kind: the versions that they have, ascending")


_Line = Annotated[Manifest | ExportedDocument | MoreToCome | ExportEnd, Field(discriminator="record")]


class ExportLine(RootModel[_Line]):
    """One line of an export."""


class Progress(Message):
    """How far an export has come.

    Attributes:
        container: The one to go on with; None at the end of all.
        continuation: Where in it; None at its beginning.
        counts: Documents sent so far.
        schema_versions: Those that they had, by kind.
    """

    container: str | None
    continuation: str | None = None
    counts: Counts = Field(default_factory=dict)
    schema_versions: dict[str, list[int]] = Field(default_factory=dict)

    def count(self, container: str, item: dict[str, Any]) -> None:
        """Counts a document that is sent."""
        kind = kind_of(item)
        kinds = self.counts.setdefault(container, {})
        kinds[kind] = kinds.get(kind, 0) + 1
        version = item.get("schema_version")
        if isinstance(version, int):
            self.schema_versions[kind] = sorted({*self.schema_versions.get(kind, ()), version})

    def end(self) -> ExportEnd:
        return ExportEnd(counts=self.counts, schema_versions=dict(sorted(self.schema_versions.items())))


def kind_of(item: Mapping[str, Any]) -> str:
    return str(item.get("kind", UNNAMED))


def exported(container: str, item: dict[str, Any]) -> ExportedDocument:
    """A document as Cosmos DB returned it, for export.

    Findings on abuse say what was seen, and when. What it was judged by stays with staff: who knows the thresholds
    stays below them.
    """
    own = {name: value for name, value in item.items() if not name.startswith("_")}
    if isinstance(own.get("abuse_evidence"), list):
        own["abuse_evidence"] = [_seen(found) for found in own["abuse_evidence"]]
    if isinstance(own.get("findings"), dict):
        own["findings"] = {rule: _seen(found) for rule, found in own["findings"].items()}
    return ExportedDocument(container=container, document=own)


def _seen(found: Any) -> dict[str, Any]:
    """What a finding says to the user whose it is."""
    return {name: found[name] for name in SEEN if name in found} if isinstance(found, dict) else {}


def written_versions(kinds: Collection[str]) -> dict[str, int]:
    """The version of its fields in which each of these kinds is written; nothing of a kind that no model writes."""
    return dict(sorted({kind: version for kind, version in _models() if kind in kinds}.items()))


def _models(base: type[Document] = Document) -> Iterator[tuple[str, int]]:
    for model in base.__subclasses__():
        fields = model.model_fields
        if isinstance(fields["kind"].default, str):
            yield fields["kind"].default, fields["schema_version"].default
        yield from _models(model)
