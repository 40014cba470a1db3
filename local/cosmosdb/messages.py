"""Requests and replies, free of the HTTP server's types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from local.cosmosdb import numbers
from local.cosmosdb.addressing import Address
from local.cosmosdb.catalog import Container
from local.cosmosdb.errors import bad_request
from local.cosmosdb.partitioning import PartitionKey

_TRUE, _FALSE = "true", "false"


@dataclass(frozen=True, slots=True)
class Request:
    """One authorised request; header names are in lower case."""

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes
    activity_id: str
    scheme: str = "http"

    @property
    def container_name(self) -> str:
        """The container's name in the address (or its rid); "" if it is about none."""
        return (*self.address.names, "", "")[1]

    def flag(self, name: str) -> bool:
        """A boolean header, in any case; raises CosmosError if it is neither true nor false."""
        value = self.headers.get(name, _FALSE).lower()
        if value not in (_TRUE, _FALSE):
            raise bad_request(f"The value '{value}' specified for the header '{name}' is invalid.")
        return value == _TRUE

    def page_size(self, default: int) -> int:
        """`x-ms-max-item-count`, where -1 leaves it to the service."""
        value = self.headers.get("x-ms-max-item-count")
        if value is None or value == "-1":
            return default
        if not value.isdigit() or not int(value):
            raise bad_request(f"The value '{value}' specified for the header 'x-ms-max-item-count' is invalid.")
        return int(value)

    def partition_key(self, container: Container) -> PartitionKey | None:
        """The key (or prefix of a hierarchical one) in the header, if there is one."""
        header = self.headers.get("x-ms-documentdb-partitionkey")
        return None if header is None else container.partition_key.from_header(header)

    def complete_partition_key(self, container: Container) -> PartitionKey:
        """The key in the header; raises CosmosError 400 if there is none or only a prefix."""
        key = self.partition_key(container)
        if key is None:
            raise bad_request("PartitionKey value must be supplied for this operation.")
        if not container.partition_key.is_complete(key):
            raise bad_request(
                "Partition key provided either doesn't correspond to definition in the collection or doesn't match "
                "partition key field values specified in the document.",
                sub_status=1001,
            )
        return key

    def modified_since(self) -> int | None:
        """`If-Modified-Since` in seconds since the epoch."""
        value = self.headers.get("if-modified-since")
        if value is None:
            return None
        try:
            return int(parsedate_to_datetime(value).timestamp())
        except ValueError as error:
            raise bad_request(f"The value '{value}' of If-Modified-Since is not an RFC 1123 date.") from error

    def json(self) -> Any:
        try:
            return numbers.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request("The request payload is invalid. Ensure to provide a valid request payload.") from error

    @property
    def wants_no_content(self) -> bool:
        return "return=minimal" in self.headers.get("prefer", "").lower().replace(" ", "")


@dataclass(slots=True)
class Reply:
    """An answer and, for the request counters, what it was the answer to. `charge` is in RU."""

    status: int
    operation: str
    body: bytes = b""
    charge: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    container: str = ""
    cross_partition: bool = False

    def about(self, container: Container, *, range_number: int | None = None, lsn: int | None = None) -> "Reply":
        """Add what tells a client which container, range and LSN this answer comes from."""
        self.container = container.id
        self.headers["x-ms-alt-content-path"] = container.path
        self.headers["x-ms-content-path"] = container.rid
        if range_number is not None:
            self.headers["x-ms-documentdb-partitionkeyrangeid"] = str(range_number)
        if range_number is not None and lsn is not None:
            self.headers["x-ms-session-token"] = f"{range_number}:-1#{lsn}"
            self.headers["lsn"] = str(lsn)
        return self


def json_reply(status: int, operation: str, body: Any, charge: float) -> Reply:
    return Reply(status, operation, orjson.dumps(body), charge)


def resource_reply(status: int, operation: str, body: Mapping[str, Any], charge: float) -> Reply:
    """A database, container or offer, with its ETag."""
    return Reply(status, operation, orjson.dumps(body), charge, {"etag": str(body.get("_etag", ""))})


def feed_body(owner_rid: str, name: str, items: list[bytes]) -> bytes:
    """`{"_rid": ..., name: [...], "_count": ...}` from items that are JSON already."""
    head = orjson.dumps({"_rid": owner_rid})[:-1]
    return b'%s,"%s":[%s],"_count":%d}' % (head, name.encode(), b",".join(items), len(items))
