"""Addresses: `/dbs/{database}/colls/{container}/docs/{document}` taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_OPERATIONS = "operations"
_DATABASE_RID = re.compile(r"[A-Za-z0-9+-]{6}==")


@dataclass(frozen=True, slots=True)
class Address:
    """A resource or a feed of resources.

    `shape` is the address with names replaced by `*`, e.g. `dbs/*/colls`; `names` are those names, decoded. They are
    rids if the first of them looks like a database's rid (`by_rid`), which is how SDKs follow a `_self` link.
    `resource_type` and `resource_link` are what a signature covers: for a feed, the link is that of its owner.
    """

    shape: str
    names: tuple[str, ...]
    resource_type: str
    resource_link: str
    by_rid: bool = False


def parse_address(path: str) -> Address:
    """Take apart the path of a request, still percent-encoded; slashes at both ends don't count."""
    segments = [unquote(segment) if "%" in segment else segment for segment in path.strip("/").split("/") if segment]
    operation = "/".join(segments[segments.index(_OPERATIONS) :]) if _OPERATIONS in segments[4::2] else ""
    if operation:
        segments = segments[: -len(operation.split("/"))]
    names = tuple(segments[1::2])
    shape = "/".join("*" if index % 2 else segment.lower() for index, segment in enumerate(segments))
    is_feed = len(segments) % 2 == 1
    kind = segments[-1 if is_feed else -2].lower() if segments else ""
    by_rid = bool(names) and (kind == "offers" or _DATABASE_RID.fullmatch(names[0]) is not None)
    link = names[-1].lower() if by_rid else "/".join(segments[:-1] if is_feed else segments)
    return Address(f"{shape}/{operation}" if operation else shape, names, kind, link, by_rid)
