"""Recorded traffic: turns as JSON lines and the users who asked them, as the API's messages.

A line has: at, user, session, query, language, response, category, citations, personality, response_quality, model,
input_tokens, output_tokens, response_time_ms, user_rating, was_helpful, bookmark, share, ip, user_agent.
"""

from __future__ import annotations

import gzip
import json
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from local.cli.terminal import CommandError
from local.entra.identity import TENANT_ID, oid_of

_NAMESPACE = uuid.UUID("5f0c5a0e-7d0b-5c0f-9a55-76696d617273")
_API_NAMES = {
    "query": "user_query",
    "language": "user_query_language",
    "category": "query_category",
    "personality": "personality_used",
    "response": "response_text",
    "response_quality": "response_quality",
    "response_time_ms": "response_time_ms",
    "model": "model_used",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "citations": "citations_provided",
    "user_rating": "user_rating",
    "was_helpful": "was_helpful",
    "share": "was_shared",
    "bookmark": "was_bookmarked",
}


@dataclass(frozen=True)
class TrafficUser:
    """One of the users of the traffic, as an identity of the local tenant."""

    key: str
    email: str
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    timezone: str | None = None
    preferred_language: str | None = None

    def as_ingested(self) -> dict[str, str | None]:
        """The `user` of an ingested turn."""
        return {
            "tenant_id": TENANT_ID,
            "auth_id": oid_of(self.email),
            "email": self.email,
            "name": self.name,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "timezone": self.timezone,
            "preferred_language": self.preferred_language,
        }


@dataclass(frozen=True)
class Turn:
    """One recorded turn. The ids follow from its content, so that playing it again is recognised as a repetition."""

    id: str
    session_id: str
    user: TrafficUser
    at: str
    body: Mapping[str, Any]
    ip_address: str | None
    user_agent: str | None

    def as_recorded(self) -> dict[str, Any]:
        """The turn as its user's client records it; a bookmark is a document of its own, which it does not make."""
        return {name: value for name, value in self.body.items() if name != "was_bookmarked"}

    def as_ingested(self) -> dict[str, Any]:
        """The turn as an item of `POST /api/ingest/turns`."""
        return {
            "id": self.id,
            "user": self.user.as_ingested(),
            "session_id": self.session_id,
            "timestamp": self.at,
            **self.body,
            "ip_address": self.ip_address,
            "user_agent": self.user_agent,
        }


def read_users(path: Path) -> dict[str, TrafficUser]:
    """The users of a JSON list, by their key (`user`). Raises CommandError."""
    try:
        entries = json.loads(path.read_text("utf-8"))
        names = ("email", "name", "given_name", "family_name", "timezone", "preferred_language")
        users = [TrafficUser(key=entry["user"], **{name: entry.get(name) for name in names}) for entry in entries]
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} is not a list of users: {error!r}") from None
    return {user.key: user for user in users}


def read_turns(path: Path, users: Mapping[str, TrafficUser], limit: int | None = None) -> Iterator[Turn]:
    """The turns of a file (.jsonl, or .gz of it) in its order. Raises CommandError naming the line.

    A user who is not among `users` gets an e-mail address made from the key.
    """
    seen: Counter[str] = Counter()
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines:
            for number, line in enumerate(islice(lines, limit), start=1):
                try:
                    yield _turn(json.loads(line), users, seen)
                except (ValueError, KeyError, TypeError) as error:
                    raise CommandError(f"{path}, line {number} is not a turn: {error!r}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{path} can't be read: {error}") from None


def share_out(turns: Iterable[Turn], workers: int) -> list[list[Turn]]:
    """The turns for each worker: all of a user's go to one, in their order, and the shares are about equally long."""
    by_user: dict[str, list[tuple[int, Turn]]] = {}
    for position, turn in enumerate(turns):
        by_user.setdefault(turn.user.key, []).append((position, turn))
    shares: list[list[tuple[int, Turn]]] = [[] for _ in range(workers)]
    for own in sorted(by_user.values(), key=len, reverse=True):
        min(shares, key=len).extend(own)
    return [[turn for _, turn in sorted(share, key=itemgetter(0))] for share in shares if share]


def batches(turns: Sequence[Turn], size: int) -> Iterator[Sequence[Turn]]:
    for start in range(0, len(turns), size):
        yield turns[start : start + size]


def _turn(line: Mapping[str, Any], users: Mapping[str, TrafficUser], seen: Counter[str]) -> Turn:
    key = line["user"]
    content = json.dumps([key, line["session"], line["at"], line["query"]], ensure_ascii=False)
    seen[content] += 1
    return Turn(
        id=str(uuid.uuid5(_NAMESPACE, f"turn {seen[content]} {content}")),
        session_id=str(uuid.uuid5(_NAMESPACE, f"session {json.dumps([key, line['session']])}")),
        user=users.get(key) or TrafficUser(key=key, email=f"{key}@replay.example"),
        at=line["at"],
        body={api_name: line[name] for name, api_name in _API_NAMES.items() if name in line},
        ip_address=line.get("ip"),
        user_agent=line.get("user_agent"),
    )
