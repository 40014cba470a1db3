"""Whom would a restored database have to erase again? Asked before the app is pointed to it; changes nothing.

    python -m functions.privacy.erased_since [--cosmos ACCOUNT] [--database NAME] [--log PLACE]

By default these are the app's own settings `COSMOS__accountEndpoint` or `COSMOS`, `COSMOS_DATABASE` and `ERASURE_LOG`;
the key is `PSEUDONYM_KEY`, with `FORMER_PSEUDONYM_KEYS` if there are any. Whoever asks needs to read both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cosmos.core.database import Database, connect
from cosmos.jobs.jobs import Jobs
from cosmos.privacy.erasure_marks import ErasureMarks
from functions.privacy.erasure_log import ErasureLog, opened
from models.core.subkeys import subkey
from models.core.values import format_timestamp
from models.privacy.erasure_log import ANY_KEY, Entry, Keys, known_until


async def report(database: Database, erasures: ErasureLog, keys: Keys, now: datetime) -> list[str]:
    """What there is to say, line by line."""
    marks = ErasureMarks(database, Jobs(database, timedelta(0)))
    mark = await marks.read()
    since = known_until(mark, now)
    unknown = await marks.unknown(await erasures.entries(since, now))
    named, profiles = await _named(marks, keys, unknown)
    moments = {entry.erasure_id: entry.moment for entry in unknown}
    lines = [f"The database knows the log of erasures until {format_timestamp(since)}{'' if mark else ' (no mark)'}."]
    lines += [f"Of {len(moments)} later erasures that it does not know, {len(named)} are of accounts that it has:"]
    lines += [f"  {user_id}  erased {format_timestamp(moments[one])}" for user_id, one in sorted(named.items())]
    lines += [f"{profiles} profiles were gone through. The others have no account here."]
    if lost := {entry.key_id for entry in unknown} - keys.ids - {ANY_KEY}:
        lines += [f"Some were noted with another key ({', '.join(sorted(lost))}): give it as FORMER_PSEUDONYM_KEYS."]
    return lines


async def _named(marks: ErasureMarks, keys: Keys, unknown: Sequence[Entry]) -> tuple[dict[str, str], int]:
    """Whom of all users the entries name, and how many users there are. Without entries nobody is looked at."""
    named: dict[str, str] = {}
    profiles, continuation = 0, None
    while unknown:
        page, continuation = await marks.accounts(continuation)
        profiles += len(page)
        named |= keys.named(page, unknown)
        if continuation is None:
            break
    return named, profiles


async def _main(arguments: argparse.Namespace) -> int:
    wanting = [name for name in ("cosmos", "log") if not getattr(arguments, name)]
    wanting += [] if os.environ.get("PSEUDONYM_KEY") else ["PSEUDONYM_KEY"]
    if wanting:
        print(f"Not given: {', '.join(wanting)}. See --help", file=sys.stderr)
        return 2
    former = json.loads(os.environ.get("FORMER_PSEUDONYM_KEYS") or "[]")
    key, *others = (subkey(secret.encode(), "receipts") for secret in (os.environ["PSEUDONYM_KEY"], *former))
    erasures = opened(arguments.log)
    try:
        async with connect(arguments.cosmos) as client:
            database = Database.of(client, arguments.database)
            print("\n".join(await report(database, erasures, Keys(key, tuple(others)), datetime.now(UTC))))
    finally:
        await erasures.close()
    return 0


def main() -> int:
    given = os.environ.get
    parser = argparse.ArgumentParser(
        prog="python -m functions.privacy.erased_since",
        description="Tells whom a restored database would have to erase again. Changes nothing.",
    )
    account = given("COSMOS__accountEndpoint") or given("COSMOS")
    parser.add_argument("--cosmos", default=account, help="the restored account: its endpoint, or an emulator's string")
    parser.add_argument("--database", default=given("COSMOS_DATABASE") or "vimarsh", help="default: %(default)s")
    parser.add_argument("--log", default=given("ERASURE_LOG"), help="the log: a container's URL, or a folder")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
