"""Maps of any names and values that documents hold: how large they may be."""

from __future__ import annotations

import json
from typing import Any

MAP_BYTES = 4096
MAP_DEPTH = 8


def small_map(values: dict[str, Any]) -> dict[str, Any]:
    """The map, if it can be kept: JSON of at most `MAP_BYTES`, nested at most `MAP_DEPTH` levels.

    Raises:
        ValueError: it can't.
    """
    if _depth(values) > MAP_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAP_DEPTH} levels")
    if len(json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")) > MAP_BYTES:
        raise ValueError(f"may have {MAP_BYTES} bytes as JSON")
    return values


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
