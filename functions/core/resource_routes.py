"""The routes of declared kinds: made from the declaration, alike for all of them.

Documents whose id follows from what they are about (`Plain.key`), or of which each user has one (`Plain.single`), are
put at a path that says it. The others are made by POST, and have an id of their own. What has rules of its own is
written by hand, with the same `Repository`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, cast

from pydantic import BaseModel, ValidationError, create_model

from cosmos.core.repository import Repository
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.etags import revision_etag
from functions.core.examples import BODIES
from functions.core.operation import Query, Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from functions.core.parts import Account
from functions.core.problems import invalid
from models.core.document import Message
from models.core.fields import shown_of
from models.core.kinds import Kind, Verb
from models.core.resource import SOFT_DELETE_DAYS, Resource
from models.core.revisions import ANY_REVISION
from models.core.sealing import RANDOM_BYTES, Sealed, place, seal

KindOf = Kind[Any]
READS: frozenset[Verb] = frozenset({"list", "read"})
NO_KEY: Mapping[str, str] = {}

Handler = Callable[[Call[Any]], Awaitable[BaseModel | Reply]]


class Derived:
    """What answers have of a kind besides what is stored: found when they are given.

    Attributes:
        shown: The message that shows a document with it.
    """

    def __init__(
        self,
        kind: KindOf,
        fields: Mapping[str, Any],
        of: Callable[[Call[Any], str], Awaitable[Mapping[str, Any]]],
    ) -> None:
        """With these fields, whose values `of` tells of a user."""
        self._of = of
        self.shown: type[Message] = create_model(
            kind.shown.__name__, __base__=kind.shown, __doc__=kind.shown.__doc__, **fields
        )

    async def with_it(self, call: Call[Any], reply: Reply, user_id: str) -> Reply:
        """An answer that shows a document of a user, with it."""
        if not isinstance(reply.content, Message):
            return reply
        known = {name: getattr(reply.content, name) for name in type(reply.content).model_fields}
        return replace(reply, content=self.shown(**known, **await self._of(call, user_id)))


def routes_of(kind: KindOf, routes: Routes, module: str, derived: Derived | None = None) -> None:
    """Adds a kind's routes to those of a module.

    Args:
        module: Its name, under which the description of the API groups them.
        derived: What their answers have besides; of kinds that have no list.
    """
    plain, name = kind.routes, kind.name
    one, path = f"{'an' if plain.one[0] in 'aeiou' else 'a'} {plain.one}", _item_path(kind)
    missing: dict[str, Any] = {} if "{" in path else {"problems": ("not-found",)}  # else a path parameter says so
    shown: dict[str, Any] = {"returns": derived.shown if derived else kind.shown, "etag": True}
    page: Any = cast(Any, Page)[kind.shown]

    def add(verb: Verb, name: str, route: tuple[str, str], summary: str, handler: Handler, **options: Any) -> None:
        if verb in plain.verbs:
            handler = _deriving(handler, derived) if derived else handler
            handler.__name__ = handler.__qualname__ = name
            handler.__module__ = module
            handler.__doc__ = summary + "."
            action = kind.reading if verb in READS else kind.changing
            routes.operation(*route, summary=summary, action=action, **options)(handler)

    if plain.is_put:
        summary = f"Make {one}, or replace it; put again, it stays as it is"
        add("create", f"put_{name}", ("PUT", path), summary, _put(kind), body=kind.given, **shown)
        BODIES.setdefault(f"put_{name}", {"one": dict(plain.example)})
    else:
        route = ("POST", plain.path)
        add("create", f"create_{name}", route, f"Make {one}", _create(kind), body=kind.given, status=201, **shown)
        BODIES.setdefault(f"create_{name}", {"one": dict(plain.example)})
    if kind.editable and not plain.key:
        route, options = ("PATCH", path), {"body": kind.changes, "if_match": True, **shown, **missing}
        add("edit", f"edit_{name}", route, f"Change {one}", _edit(kind), **options)
        BODIES.setdefault(f"edit_{name}", {"changed": dict(plain.changes)})
    summary, listing = f"The user's {plain.many}, newest first", f"list_{plain.many.replace(' ', '_')}"
    add("list", listing, ("GET", plain.path), summary, _list(kind, page), query=_query_of(kind), returns=page)
    add("read", f"get_{name}", ("GET", path), f"One {plain.one}", _read(kind), **shown, **missing)
    summary = f"Delete {one}; it can be restored for {SOFT_DELETE_DAYS} days"
    deleting: dict[str, Any] = {"returns": None, "status": 204, "if_match": not plain.is_put, **missing}
    delete = _take_away(kind) if plain.is_put else _delete(kind)
    add("delete", f"delete_{name}", ("DELETE", path), summary, delete, **deleting)
    route, summary = ("POST", f"{path}/restore"), f"Bring a deleted {plain.one} back"
    add("restore", f"restore_{name}", route, summary, _restore(kind), repeatable=True, **shown, **missing)


def _deriving(handler: Handler, derived: Derived) -> Handler:
    @wraps(handler)
    async def handled(call: Call[Any]) -> BaseModel | Reply:
        reply = await handler(call)
        return await derived.with_it(call, reply, call.person.user_id) if isinstance(reply, Reply) else reply

    return handled


def shown(kind: KindOf, document: Resource) -> Reply:
    """A document as everybody who may read it sees it, with its revision as its ETag."""
    return Reply(shown_of(document, kind.shown), etag=revision_etag(document))


def _item_path(kind: KindOf) -> str:
    plain = kind.routes
    if plain.is_put:
        return "/".join([plain.path, *(f"{{{name}}}" for name in plain.key)])
    return f"{plain.path}/{{{kind.name}_id:guid}}"


def _query_of(kind: KindOf) -> type[Query]:
    """The query string of the list: a parameter for each filter."""
    fields: dict[str, Any] = {
        name: (cast(Any, kind.model.model_fields[name].annotation) | None, None) for name in kind.routes.filters
    }
    return create_model(f"{kind.model.__name__}Query", __base__=Paged, **fields)


def _repository(call: Call[Any], kind: KindOf) -> Repository[Any]:
    return call.store.repository(kind)


def _id(call: Call[Any], kind: KindOf, owner: str) -> str:
    """The id of the document that the path names."""
    if kind.routes.is_put:
        return kind.id_of(owner, _key(call, kind))
    return call.uuid(f"{kind.name}_id")


def _key(call: Call[Any], kind: KindOf) -> Mapping[str, str]:
    return {name: call.request.route_params[name] for name in kind.routes.key}


def document_of(
    call: Call[Any],
    kind: KindOf,
    profile: Account,
    document_id: str,
    given: Message,
    key: Mapping[str, str] = NO_KEY,
) -> Any:
    """A new document of a user, from what the client gives; without their words, where these are not to be stored.

    Raises:
        Problem: 422, what the client gives can't be stored.
    """
    plain, fields = kind.routes, {name: getattr(given, name) for name in type(given).model_fields}
    made = {
        "id": document_id,
        "partition_key": profile.id,
        "user_id": profile.id,
        "created_at": call.now,
        "updated_at": call.now,
        "ttl": kind.retention,
        "request_hash": content_hash(given),
    }
    try:
        of_profile = dict(plain.of_profile(profile)) if plain.of_profile else {}
        sealed = sealed_of(call, kind, profile.id, document_id, fields)
        fields |= without_words(kind, profile, fields) | sealed
        return kind.model.model_validate(fields | of_profile | made | dict(key))
    except ValidationError as error:
        raise invalid(error) from None


def sealed_of(
    call: Call[Any], kind: KindOf, partition: str, document_id: str, fields: Mapping[str, Any]
) -> dict[str, Sealed]:
    """The secrets among these fields, as they are stored."""
    keys = call.services.settings.sealing_keys
    return {
        name: seal(
            fields[name].get_secret_value(),
            place(kind.model.container, partition, document_id, name),
            keys,
            os.urandom(RANDOM_BYTES),
        )
        for name in kind.secrets & fields.keys()
        if fields[name] is not None
    }


def without_words(kind: KindOf, profile: Account, fields: Mapping[str, Any]) -> dict[str, None]:
    """The fields in the user's own words, emptied, if they are not to be stored."""
    return {} if profile.text_storage_consent else dict.fromkeys(kind.words & fields.keys())


def _create(kind: KindOf) -> Handler:
    async def create(call: Call[Message]) -> Reply:
        profile = await call.writer()
        item_id = kind.id_by_key(profile.id, call.idempotency_key)
        made = await _repository(call, kind).create(document_of(call, kind, profile, item_id, call.body))
        return shown(kind, made)

    return create


def _put(kind: KindOf) -> Handler:
    async def put(call: Call[Message]) -> Reply:
        profile, key = await call.writer(), _key(call, kind)
        document = document_of(call, kind, profile, kind.id_of(profile.id, key), call.body, key)
        return shown(kind, await _repository(call, kind).put(document))

    return put


def _list(kind: KindOf, page: type[Any]) -> Handler:
    async def listed(call: Call[None]) -> BaseModel:
        filters = {name: getattr(call.query, name) for name in kind.routes.filters}
        found, following = await _repository(call, kind).page(
            call.person.user_id, filters, call.query.limit, verified_continuation(call)
        )
        items = [shown_of(document, kind.shown) for document in found]
        answer: BaseModel = page(items=items, continuation=signed_continuation(call, following))
        return answer

    return listed


def _read(kind: KindOf) -> Handler:
    async def read(call: Call[None]) -> Reply:
        user_id = call.person.user_id
        return shown(kind, await _repository(call, kind).read(user_id, _id(call, kind, user_id)))

    return read


def _edit(kind: KindOf) -> Handler:
    async def edit(call: Call[Any]) -> Reply:
        profile, changes = await call.writer(), call.body.given()
        item_id, changes = _id(call, kind, profile.id), changes | without_words(kind, profile, changes)
        changes |= sealed_of(call, kind, profile.id, item_id, changes)
        try:
            edited = await _repository(call, kind).edit(profile.id, item_id, call.expected_revisions, changes, call.now)
        except ValidationError as error:
            raise invalid(error) from None
        return shown(kind, edited)

    return edit


def _delete(kind: KindOf) -> Handler:
    async def delete(call: Call[None]) -> Reply:
        user_id = (await call.writer()).id
        await _repository(call, kind).delete(user_id, _id(call, kind, user_id), call.expected_revisions, call.now)
        return Reply(None)

    return delete


def _take_away(kind: KindOf) -> Handler:
    """Deletes what was put, whatever it is like by now."""

    async def take_away(call: Call[None]) -> Reply:
        user_id = (await call.writer()).id
        await _repository(call, kind).delete(user_id, _id(call, kind, user_id), ANY_REVISION, call.now)
        return Reply(None)

    return take_away


def _restore(kind: KindOf) -> Handler:
    async def restore(call: Call[None]) -> Reply:
        user_id = (await call.writer()).id
        return shown(kind, await _repository(call, kind).restore(user_id, _id(call, kind, user_id), call.now))

    return restore
