"""Documents brought over from another system, by whoever moves it: ids and times stay what they were."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from functions.core import problems
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.resource_routes import NO_KEY, KindOf, document_of
from models.core.actions import IMPORT_DOCUMENTS
from models.core.document import Message
from models.core.identity import Person
from models.core.values import Label, Timestamp

routes = Routes()

MAX_BYTES = 8_000_000


class ImportedDocument(Message):
    """One document as another system had it, of a kind that can be brought over."""

    id: str = Field(min_length=1, max_length=255, description="Its key in that system")
    kind: str = Field(min_length=1, max_length=64, description="Its kind here, such as favorite or rating")
    user: Person = Field(description="Whose it is; their account is made if there is none")
    created_at: Timestamp = Field(description="When it was made there")
    updated_at: Timestamp | None = Field(default=None, description="When it was last changed there")
    content: dict[str, Any] = Field(description="What a client gives to make one, and the fields that its path says")


class Import(Message):
    """Up to 80 documents. Each is an `ImportedDocument`, checked on its own: a wrong one does not stop the others."""

    source: Label = Field(description="The system that they come from: its keys are unique in it")
    documents: list[dict[str, Any]] = Field(
        min_length=1, max_length=80, json_schema_extra={"items": {"$ref": "#/components/schemas/ImportedDocument"}}
    )


class ImportResult(Message):
    """What became of one document. What is answered with 201 or 200 is durable."""

    id: str | None = Field(description="Its key, as it was sent")
    status: int = Field(description="201 made, 200 there already, else an error; 500 or 503: send it again")
    document_id: str | None = Field(default=None, description="Its id here")
    error: dict[str, Any] | None = Field(default=None, description="The problem, as in an error's body")


class ImportResults(Message):
    """What became of each document, in the order sent."""

    items: list[ImportResult]


@routes.operation(
    "POST",
    "ingest/documents",
    summary="Bring up to 80 documents over from another system, each answered with its own status",
    action=IMPORT_DOCUMENTS,
    body=Import,
    returns=ImportResults,
    status=207,
    max_bytes=MAX_BYTES,
    parts=(ImportedDocument,),
    repeatable=True,
)
async def import_documents(call: Call[Import]) -> Reply:
    """May be sent again: a document is made once, by its `source` and `id`, or by what it is about.

    What is there already stays as it is. Documents of one user are made in the order sent.
    """
    items = []
    for sent in call.body.documents:
        known = sent.get("id")
        name = known if isinstance(known, str) and len(known) <= 255 else None
        try:
            items.append(await _imported(call, sent))
        except Exception as error:  # a boundary: each document has an answer of its own
            problem = problems.of(error)
            items.append(ImportResult(id=name, status=problem.status, error=problem.body()))
    return Reply(ImportResults(items=items))


async def _imported(call: Call[Import], sent: dict[str, Any]) -> ImportResult:
    try:
        wanted = ImportedDocument.model_validate(sent)
    except ValidationError as error:
        raise problems.invalid(error) from None
    kinds = call.services.kinds
    kind = kinds.get(wanted.kind)
    if kind is None or not kind.importable:
        known = ", ".join(sorted(name for name, one in kinds.items() if one.importable))
        raise problems.not_valid({"/kind": f"Input should be one of {known}"})
    call.check_acts_for(wanted.user.tenant_id)
    if wanted.created_at > call.now or (wanted.updated_at or wanted.created_at) > call.now:
        raise problems.not_valid({"/created_at": "Input should not lie in the future"})
    profile = await call.store.callers.writer(wanted.user, call.now, call.now)
    document = _document(call, kind, profile, wanted)
    made, is_new = await call.store.repository(kind).bring(document)
    return ImportResult(id=wanted.id, status=201 if is_new else 200, document_id=made.id)


def _document(call: Call[Import], kind: KindOf, profile: Any, wanted: ImportedDocument) -> Any:
    """The document, by the same rules as one that its user makes; with its own times."""
    plain, content = kind.routes, dict(wanted.content)
    key = {name: str(content.pop(name)) for name in plain.key if name in content} or NO_KEY
    if missing := [name for name in plain.key if name not in key]:
        raise problems.not_valid({f"/content/{name}": "Field required" for name in missing})
    try:
        given = kind.given.model_validate(content)
    except ValidationError as error:
        raise problems.invalid(error, within="/content") from None
    imported = f"{call.body.source}/{wanted.id}"
    document_id = kind.id_of(profile.id, key) if plain.is_put else kind.id_by_key(profile.id, f"import/{imported}")
    document = document_of(call, kind, profile, document_id, given, key)
    times = {"created_at": wanted.created_at, "updated_at": wanted.updated_at or wanted.created_at}
    return document.model_copy(update=times)
