"""Offers: the throughput that a database or container was given. They are kept and shown; nothing is throttled."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from local.cosmosdb.errors import CosmosError, bad_request, resource_not_found

_DEFAULT_THROUGHPUT = 400
_LEAST_AUTOSCALE = 1000
_RANGE_THROUGHPUT = 10_000
_KEY_OFFSET = 1 << 20  # so that an id always has four letters, as in the service
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def requested_content(headers: Mapping[str, str]) -> dict[str, Any] | None:
    """An offer's content from the headers of a creation: manual, autoscale, or none."""
    autoscale = headers.get("x-ms-cosmos-offer-autopilot-settings")
    manual = headers.get("x-ms-offer-throughput")
    if autoscale:
        try:
            settings = orjson.loads(autoscale)
            most = int(settings["maxThroughput"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise bad_request("The autoscale settings are invalid.") from error
        _check_throughput(most, _LEAST_AUTOSCALE)
        return {"offerThroughput": most // 10, "offerAutopilotSettings": settings}
    if manual is None:
        return None
    if not manual.lstrip("-").isdigit():
        raise bad_request(f"The value '{manual}' specified for the header 'x-ms-offer-throughput' is invalid.")
    _check_throughput(int(manual), _DEFAULT_THROUGHPUT)
    return {"offerThroughput": int(manual), "offerIsRUPerMinuteThroughputEnabled": False}


def ranges_for(content: Mapping[str, Any] | None, least: int) -> int:
    """How many physical partitions a new container starts with: `least`, or what its throughput needs."""
    if content is None:
        return least
    autoscale = content.get("offerAutopilotSettings") or {}
    throughput = int(autoscale.get("maxThroughput", content["offerThroughput"]))
    return max(least, -(-throughput // _RANGE_THROUGHPUT))


def _check_throughput(throughput: int, least: int) -> None:
    if throughput < least:
        raise bad_request(f"Requested throughput {throughput} is less than required minimum throughput {least}")


def default_content() -> dict[str, Any]:
    return {"offerThroughput": _DEFAULT_THROUGHPUT, "offerIsRUPerMinuteThroughputEnabled": False}


def create(connection: sqlite3.Connection, resource: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Give a database or container an offer."""
    cursor = connection.execute("INSERT INTO offers (resource, body) VALUES (?, '')", (resource["_self"],))
    key = int(cursor.lastrowid or 0)
    name = _name(key)
    body = {
        "resource": resource["_self"],
        "offerType": "Invalid",
        "offerResourceId": resource["_rid"],
        "offerVersion": "V2",
        "content": dict(content),
        "id": name,
        "_rid": name,
        "_self": f"offers/{name}/",
        "_etag": resource["_etag"],
        "_ts": resource["_ts"],
    }
    connection.execute("UPDATE offers SET body = ? WHERE key = ?", (orjson.dumps(body).decode(), key))


def has_offer(connection: sqlite3.Connection, resource: Mapping[str, Any]) -> bool:
    found = connection.execute("SELECT 1 FROM offers WHERE resource = ?", (resource["_self"],)).fetchone()
    return found is not None


def every(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    return [orjson.loads(body) for (body,) in connection.execute("SELECT body FROM offers ORDER BY key")]


def find(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    """By id; raises CosmosError 404."""
    offer = next((offer for offer in every(connection) if offer["id"] == name), None)
    if offer is None:
        raise resource_not_found()
    return offer


def replace(connection: sqlite3.Connection, name: str, body: Any) -> dict[str, Any]:
    """Change the throughput of an offer."""
    offer = find(connection, name)
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, dict):
        raise CosmosError(400, "The offer must have a content.")
    replaced = {**offer, "content": content}
    connection.execute(
        "UPDATE offers SET body = ? WHERE resource = ?", (orjson.dumps(replaced).decode(), offer["resource"])
    )
    return replaced


def _name(key: int) -> str:
    number, letters = key + _KEY_OFFSET, ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[digit]
    return letters
