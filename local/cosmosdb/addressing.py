"""Addresses: `/dbs/{database}/colls/{container}/docs/{document}` taken apart."""

from dataclasses import dataclass
from urllib.parse import unquote

_OPERATIONS = "operations"


@dataclass(frozen=True, slots=True)
class Address:
    """A resource or a feed of resources.

    `shape` is the address with names replaced by `*`, e.g. `dbs/*/colls`; `names` are those names, decoded.
    `resource_type` and `resource_link` are what a signature covers: for a feed, the link is that of its owner.
    """

    shape: str
    names: tuple[str, ...]
    resource_type: str
    resource_link: str


def parse_address(path: str) -> Address:
    """Take apart the path of a request, still percent-encoded; slashes at both ends don't count."""
    segments = [unquote(segment) for segment in path.strip("/").split("/") if segment]
    operation = "/".join(segments[segments.index(_OPERATIONS) :]) if _OPERATIONS in segments[4::2] else ""
    if operation:
        segments = segments[: -len(operation.split("/"))]
    shape = "/".join("*" if index % 2 else segment.lower() for index, segment in enumerate(segments))
    is_feed = len(segments) % 2 == 1
    kind = segments[-1 if is_feed else -2].lower() if segments else ""
    link = "/".join(segments[:-1] if is_feed else segments)
    if kind == "offers" and not is_feed:
        link = segments[-1].lower()
    return Address(f"{shape}/{operation}" if operation else shape, tuple(segments[1::2]), kind, link)
