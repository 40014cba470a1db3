"""All containers: brings sealed fields under the newest key, so that an older one can be given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.swapping import swap
from models.core.kinds import Kind
from models.core.sealing import FieldKeys, Sealed, rewrapped

PER_REQUEST = 100


async def rewrap(database: Database, kinds: Iterable[Kind[Any]], keys: FieldKeys) -> int:
    """Rewraps all that is sealed with another key than the newest; how many documents that were. May be repeated.

    The revision stays: nothing changed for whoever reads or edits them.

    Raises:
        Unsealable: something was sealed with a key that is not given.
    """
    return sum([await _rewrapped_of(database, kind, keys) for kind in kinds if kind.secrets])


async def _rewrapped_of(database: Database, kind: Kind[Any], keys: FieldKeys) -> int:
    container: ContainerProxy = getattr(database, str(kind.container))
    old = " OR ".join(f"(IS_DEFINED(c.{name}.key_id) AND c.{name}.key_id != @newest)" for name in sorted(kind.secrets))
    query = f'SELECT c.id, c.partition_key FROM c WHERE c.kind = "{kind.name}" AND ({old})'  # noqa: S608  # no values

    def anew(held: Item | None) -> Item | None:
        return _rewrapped(held, kind, keys)

    written, continuation = 0, None
    while True:  # whoever keeps the keys looks in all partitions
        rows, continuation = await page_of(container, query, {"newest": keys.newest}, PER_REQUEST, continuation, None)
        for row in rows:
            await swap(container, row["id"], row["partition_key"], anew)
        written += len(rows)
        if continuation is None:
            return written


def _rewrapped(held: Item | None, kind: Kind[Any], keys: FieldKeys) -> Item | None:
    if held is None or held.get("kind") != kind.name:
        return None
    fields: Mapping[str, Any] = {name: held[name] for name in kind.secrets if held.get(name)}
    after = {name: rewrapped(Sealed.model_validate(value), keys).model_dump() for name, value in fields.items()}
    own = {name: value for name, value in held.items() if not name.startswith("_")}
    return own | after if after != fields else None
