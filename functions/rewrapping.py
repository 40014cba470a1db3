"""Brings all that is stored encrypted under the newest of FIELD_KEYS. Run after a key was added, before one is removed.

    python -m functions.rewrapping

It goes by the app's own settings: the database and FIELD_KEYS. It may be cut off, and run again.
"""

from __future__ import annotations

import asyncio
import sys

from cosmos.core.database import Database, connect
from cosmos.core.rewrapping import rewrap
from functions.core.settings import read_settings
from models.kinds import KINDS


async def _main() -> int:
    settings = read_settings()
    async with connect(settings.cosmos_connection) as client:
        database = Database.of(client, settings.cosmos_database)
        written = await rewrap(database, KINDS.values(), settings.sealing_keys)
    print(f"{written} documents have been brought under the newest key")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
