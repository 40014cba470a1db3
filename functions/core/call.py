"""One request, authorised and parsed: what a handler gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Generic, TypeVar
from uuid import UUID

import azure.durable_functions as df
from pydantic import BaseModel

from functions.core.deciding import allowed, in_organization
from functions.core.etags import expected_revisions, matches
from functions.core.groups import GroupsOfCaller, GroupSource
from functions.core.http import EVENTS, Request
from functions.core.parts import Account, Parts
from functions.core.problems import Problem, tenant_not_allowed
from functions.core.services import Services
from functions.core.tokens import Caller
from models.core.addresses import client_address, hash_address
from models.core.errors import NotFound
from models.core.identity import Person
from models.core.revisions import Revisions
from models.core.rights import Action, Place, Source, Target, decide
from models.core.user_agent import Client, parse_user_agent

MAX_KEY_CHARACTERS = 255

_REFUSED = re.compile(r"(.*;)?q=0(\.0*)?(;.*)?")

Body = TypeVar("Body")


@dataclass(frozen=True)
class Call(Generic[Body]):
    """One request, authorised and parsed.

    Attributes:
        body: The parsed body; None for an operation without one.
        query: The parsed query string; None for an operation without one.
        now: When the request came in, in UTC.
        caller: None for an operation that anyone may call.
        request_id: As the answer and the log name the request.
        actions: What the operation does; it decides about no others.
        place: How the caller stands in the organization of the path; None for staff of the platform, and without one.
        durable: Client of the orchestrations, for an operation that asks for it.
    """

    services: Services
    opened: Parts | None
    request: Request
    body: Body
    query: Any
    now: datetime
    caller: Caller | None
    request_id: str
    actions: tuple[Action, ...]
    place: Place | None = None
    durable: df.DurableOrchestrationClient | None = None

    @property
    def store(self) -> Parts:
        if self.opened is None:
            raise RuntimeError("an operation that anyone may call has no database: it must answer without one")
        return self.opened

    @property
    def person(self) -> Person:
        if self.caller is None or self.caller.person is None:
            raise RuntimeError("only operations for users have a person")
        return self.caller.person

    @property
    def of_person(self) -> bool:
        """Whether a person calls, and not an application."""
        return self.caller is not None and self.caller.person is not None

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the caller's token that count here."""
        return self.caller.roles if self.caller else frozenset()

    @property
    def issued(self) -> datetime:
        """When the caller's token was."""
        return self.caller.issued if self.caller else self.now

    def check(self, target: Target, action: Action | None = None) -> Source:
        """By what the caller may do something to `target`: the operation's action, or another that it names.

        Raises:
            SelfModeration, Outranked, NotFound, Problem: they may not.
        """
        asked, asker = self._named(action), self.caller.asker if self.caller else None
        return allowed(asked, decide(asker, asked, target, self.now.date()))

    async def check_in(self, organization_id: str, action: Action | None = None) -> Source:
        """Likewise, in an organization: what the caller may there is read, or was within half a minute.

        Raises:
            NotFound, Problem: they may not.
        """
        if self.caller is None:
            raise RuntimeError("an operation that anyone may call decides about no organization")
        asked = self._named(action)
        places = partial(self.store.place, groups=self.groups)
        source, _ = await in_organization(asked, self.caller, organization_id, places, self.now)
        return source

    async def place_in(self, organization_id: str) -> Place | None:
        """How the caller stands in an organization; None if there is no such organization."""
        return await self.store.place(self.person.user_id, organization_id, self.groups)

    @property
    def groups(self) -> GroupsOfCaller | None:
        """The groups of their directory that the caller is in; None of an application, or without a caller."""
        return groups_of(self.caller, self.request, self.services)

    async def writer(self) -> Account:
        """The account of the user, which must be active."""
        return await self.store.callers.writer(self.person, self.now, self.issued, self.roles)

    def _named(self, action: Action | None) -> Action:
        asked = action or self.actions[0]
        if asked not in self.actions:
            raise RuntimeError(f"the operation does not say that it decides about {asked.name}")
        return asked

    def check_acts_for(self, tenant_id: str) -> None:
        """Stops an application that is not bound to the tenant of a user whom it names.

        Raises:
            Problem: 403, it is not.
        """
        if self.caller is None or tenant_id not in self.caller.tenants:
            raise tenant_not_allowed("This application does not act for users of that tenant.")

    def uuid(self, name: str) -> str:
        """A UUID of the path, in lower case; `name` is like `session_id`.

        Raises:
            NotFound: it is no UUID, so there is no such thing.
        """
        return uuid_of(self.request, name)

    def has(self, etag: str) -> bool:
        """Whether the caller has what an ETag names: it need not be read, for the answer is 304."""
        return matches(self.request.headers.get("If-None-Match"), etag) is not None

    @property
    def expected_revisions(self) -> Revisions:
        """The revisions that the caller goes by, of a document whose ETag is its revision.

        Raises:
            Problem: 428, the caller does not say.
        """
        return expected_revisions(self.request.headers.get("If-Match"))

    @property
    def revisions_if_said(self) -> Revisions | None:
        """Likewise, where the caller need not say."""
        if_match: str | None = self.request.headers.get("If-Match")
        return expected_revisions(if_match) if if_match else None

    @property
    def idempotency_key(self) -> str | None:
        """The key that makes this request repeatable.

        Raises:
            Problem: 400, it is empty, too long or not printable.
        """
        key: str | None = self.request.headers.get("Idempotency-Key")
        if key is not None and not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
            detail = f"Idempotency-Key must have 1 to {MAX_KEY_CHARACTERS} printable ASCII characters."
            raise Problem(400, "bad-request", "The request is malformed", detail)
        return key

    @property
    def wants_events(self) -> bool:
        """Whether the caller takes server-sent events, of an operation that has them."""
        if self.request.method == "HEAD":
            return False
        accepted = (part.lower().replace(" ", "") for part in self.request.headers.get("Accept", "").split(","))
        ranges = [part.partition(";") for part in accepted]
        return any(name == EVENTS and not _REFUSED.fullmatch(weight) for name, _, weight in ranges)

    @property
    def last_event(self) -> int:
        """The number of the last event that the caller has; 0 if they have none."""
        said: str = self.request.headers.get("Last-Event-ID", "")
        return int(said) if len(said) < 10 and said.isascii() and said.isdecimal() else 0

    @property
    def user_agent(self) -> str | None:
        header: str | None = self.request.headers.get("User-Agent")
        return header

    @property
    def client(self) -> Client:
        return parse_user_agent(self.user_agent)

    @property
    def hashed_address(self) -> str | None:
        """Keyed hash of the address that the request came from, None where it is unknown."""
        return hashed_address(client_address(self.request.headers.get("X-Forwarded-For")), self.services)


def groups_of(caller: Caller | None, request: Request, shared: Services) -> GroupsOfCaller | None:
    """The groups of their directory that a caller is in; None of an application, or without a caller."""
    if caller is None or caller.person is None:
        return None
    token = (request.headers.get("Authorization") or "").partition(" ")[2].strip()
    person, source = caller.person, shared.get(GroupSource)  # type: ignore[type-abstract]  # one is had by its base
    return GroupsOfCaller(person.user_id, person.tenant_id, token, caller.groups, source)


def uuid_of(request: Request, name: str) -> str:
    """A UUID of the path, in lower case.

    Raises:
        NotFound: it is no UUID, so there is no such thing.
    """
    try:
        return str(UUID(request.route_params[name]))
    except ValueError:
        raise NotFound(name.removesuffix("_id")) from None


def content_hash(content: BaseModel, exclude: set[str] | None = None) -> str:
    """Hash of a parsed body: tells a repeated request from a key that is used again."""
    return sha256(content.model_dump_json(exclude=exclude).encode()).hexdigest()


def hashed_address(address: str | None, shared: Services) -> str | None:
    if address is None:
        return None
    return hash_address(address, shared.settings.key_for("addresses"))
