"""Makes a database and its containers as a deployment would: what is missing is created, what differs is replaced.

Plain signed HTTP rather than the SDK, so that every property of a container's JSON body arrives as it is written.
Source: https://learn.microsoft.com/rest/api/cosmos-db/create-a-collection, and the same site on authorisation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

DATABASE = "vimarsh"
PARTITIONS = 2
"""Physical ranges of each container. A new one on Azure has one; with two, what goes across them is seen to work. Each
costs every feed a look a second."""
WELL_KNOWN_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The key of every Cosmos DB emulator; it is public."""

_FIXED = ("partitionKey", "uniqueKeyPolicy", "vectorEmbeddingPolicy")
"""What can't be changed once a container exists."""


class ProvisioningError(Exception):
    """The containers can't be made as described; the message says which and why."""


class Account:
    """The few requests that provisioning needs, signed with the account's key."""

    def __init__(self, url: str, key: str = WELL_KNOWN_KEY) -> None:
        loopback = urlsplit(url).hostname in ("localhost", "127.0.0.1")  # emulators sign their own certificate
        self._http = httpx.Client(base_url=url, timeout=60, verify=not loopback)
        self._key = base64.b64decode(key)

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, kind: str, link: str, body: object = None) -> httpx.Response:
        """One request about a resource of this kind (dbs, colls); `link` is its own, or its parent's for a POST."""
        path = f"/{link}/{kind}" if method == "POST" and link else f"/{link or kind}"
        date = formatdate(usegmt=True)
        signed = f"{method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
        signature = base64.b64encode(hmac.new(self._key, signed.encode(), hashlib.sha256).digest()).decode()
        headers = {
            "authorization": quote(f"type=master&ver=1.0&sig={signature}", safe=""),
            "x-ms-date": date,
            "x-ms-version": "2020-07-15",
        }
        return self._http.request(method, path, json=body, headers=headers)


def read_definitions(path: Path) -> list[dict[str, Any]]:
    """The containers of a file `{"containers": [<REST bodies>]}`. Raises ProvisioningError."""
    try:
        containers: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["containers"]
    except OSError as error:
        raise ProvisioningError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ProvisioningError(f'{path} is not JSON of the form {{"containers": [...]}}: {error}') from None
    return containers


def provision(account: Account, containers: Iterable[dict[str, Any]], database: str = DATABASE) -> dict[str, str]:
    """Container id -> "created", "updated" or "unchanged". Raises ProvisioningError."""
    _expect(account.send("POST", "dbs", "", {"id": database}), f"database {database}", 201, 409)
    return {container["id"]: _ensure(account, database, container) for container in containers}


def _ensure(account: Account, database: str, wanted: dict[str, Any]) -> str:
    name = f"container {wanted['id']}"
    created = _expect(account.send("POST", "colls", f"dbs/{database}", wanted), name, 201, 409)
    if created.status_code == 201:
        return "created"
    link = f"dbs/{database}/colls/{wanted['id']}"
    existing = _expect(account.send("GET", "colls", link), name, 200).json()
    for property_name in _FIXED:
        if property_name in wanted and not _covers(existing.get(property_name), wanted[property_name]):
            raise ProvisioningError(f"{name} exists with another {property_name}, which can't be changed")
    if existing.get("defaultTtl") == wanted.get("defaultTtl") and _covers(existing, wanted):
        return "unchanged"
    _expect(account.send("PUT", "colls", link, wanted), name, 200)
    return "updated"


def _covers(existing: Any, wanted: Any) -> bool:
    """Whether what exists says all that is wanted; it may say more, as the service fills in its defaults."""
    if isinstance(wanted, dict):
        return isinstance(existing, dict) and all(
            name in existing and _covers(existing[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(existing, list)
            and len(existing) == len(wanted)
            and all(_covers(*pair) for pair in zip(existing, wanted, strict=True))
        )
    return bool(existing == wanted)


def _expect(answer: httpx.Response, what: str, *statuses: int) -> httpx.Response:
    if answer.status_code not in statuses:
        raise ProvisioningError(f"{what}: the server answered {answer.status_code}: {answer.text[:500]}")
    return answer
