"""What `containers.json` declares: the one source for partition keys, retention and indexes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def declared() -> dict[str, dict[str, Any]]:
    """The containers by id, each as Cosmos DB's own JSON."""
    text = Path(__file__).with_name("containers.json").read_text(encoding="utf-8")
    return {container["id"]: container for container in json.loads(text)["containers"]}


def retention_seconds(container: str) -> int | None:
    """How long a document is kept after its last write; None for ever."""
    seconds = declared()[container].get("defaultTtl", -1)
    return None if seconds == -1 else int(seconds)
