"""Resource ids (`_rid`): base64 of the numbers of a database, a container and a document, 4 + 4 + 8 bytes.

A database has the first 4 bytes, a container 8, a document 16. As in the service, `/` is written `-`, and a
container's number has its top bit set, which tells a container's rid from a user's.
"""

import base64
import struct

_CONTAINER_BIT = 0x80000000
_DOCUMENT_BYTES = 16


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().replace("/", "-")


def database_rid(database: int) -> str:
    return _encode(struct.pack(">I", database))


def container_rid(database: int, container: int) -> str:
    return _encode(struct.pack(">II", database, container | _CONTAINER_BIT))


def document_rid(database: int, container: int, document: int) -> str:
    return _encode(struct.pack(">IIQ", database, container | _CONTAINER_BIT, document))


def document_number(rid: str) -> int | None:
    """The document's number in its rid; None if it is no such rid."""
    try:
        decoded = base64.b64decode(rid.replace("-", "/"), validate=True)
    except ValueError:
        return None
    return int(struct.unpack(">IIQ", decoded)[2]) if len(decoded) == _DOCUMENT_BYTES else None


def database_link(rid: str) -> str:
    return f"dbs/{rid}/"


def container_link(database: str, rid: str) -> str:
    return f"dbs/{database}/colls/{rid}/"
