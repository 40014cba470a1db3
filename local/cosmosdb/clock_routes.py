"""Routes to look at the engine's clock, and to move it forward where it was started to allow that."""

import time
from datetime import datetime
from typing import Any

from local.cosmosdb.clock import AdjustableClock, utc
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.messages import Reply, Request, json_reply


async def get_clock(engine: Engine, request: Request) -> Reply:
    """`{"now": ISO 8601, "timestamp": seconds since the epoch, "offset_seconds": ahead of the machine's clock}`."""
    return _report(_clock(engine))


async def put_clock(engine: Engine, request: Request) -> Reply:
    """Move it by one of `advance_seconds`, `offset_seconds` (to so much ahead in all) and `now` (to a moment)."""
    clock, body = _clock(engine), request.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise bad_request("The clock takes one of 'advance_seconds', 'offset_seconds' and 'now'.")
    ((name, value),) = body.items()
    try:
        clock.move_to(_offset(clock, name, value))
    except (TypeError, ValueError) as error:
        raise bad_request(f"The clock can't be moved by '{name}': {error}") from error
    return _report(clock)


def _offset(clock: AdjustableClock, name: str, value: Any) -> float:
    if name == "advance_seconds":
        return clock.offset + float(value)
    if name == "offset_seconds":
        return float(value)
    if name == "now":
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a moment needs its offset from UTC, or a Z")
        return moment.timestamp() - time.time()
    raise ValueError("there is no such thing")


def _clock(engine: Engine) -> AdjustableClock:
    if not isinstance(engine.clock, AdjustableClock):
        raise CosmosError(404, "The clock is the machine's: start the engine with --adjustable-clock to move it.")
    return engine.clock


def _report(clock: AdjustableClock) -> Reply:
    now = clock.now()
    text = utc(now).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json_reply(200, "", {"now": text, "timestamp": now, "offset_seconds": clock.offset}, 0.0)


ROUTES = {
    ("GET", "/_local/clock"): get_clock,
    ("PUT", "/_local/clock"): put_clock,
}
