"""What a request costs, in request units: a model of Azure's charges, good for comparing designs.

Points it goes through, from Azure's documentation: a point read of 1 KB costs 1 RU and of 100 KB 10 RU; a write of
1 KB costs 5 RU and of 100 KB 50 RU where nothing is indexed; a query costs at least about 2.3 RU. Indexing adds per
indexed value, a replacement costs a removal and an addition. A query pays for what it has to load, so a filter that
no index or partition narrows shows here as it would there.
"""

from typing import Any

from local.cosmosdb.indexing import IndexingPolicy

_READ, _READ_KB = 1.0, 9 / 99
_WRITE, _WRITE_KB = 5.0, 45 / 99
_INDEXED_VALUE = 0.14
_FREE_VALUES = 5
_REPLACE = 1.9
_QUERY, _LOADED_DOCUMENT, _LOADED_KB, _RETURNED_KB = 2.25, 0.02, 0.02, 0.03
METADATA = 1.0


def read(size: int) -> float:
    """A point read of a document of `size` bytes."""
    return round(_READ + _READ_KB * _extra_kb(size), 2)


def write(size: int, policy: IndexingPolicy, document: dict[str, Any], *, replaces: bool = False) -> float:
    """A create (or an upsert, replace or patch that `replaces`) that leaves a document of `size` bytes."""
    indexing = _INDEXED_VALUE * max(0, _indexed_values(policy, document) - _FREE_VALUES)
    charge = _WRITE + _WRITE_KB * _extra_kb(size) + indexing
    return round(charge * _REPLACE if replaces else charge, 2)


def delete(size: int) -> float:
    return round(_WRITE + _WRITE_KB * _extra_kb(size), 2)


def query(loaded: int, loaded_size: int, returned_size: int) -> float:
    """One page of a query that loads `loaded` documents of `loaded_size` bytes in all to return `returned_size`."""
    charge = _QUERY + loaded * _LOADED_DOCUMENT + loaded_size / 1024 * _LOADED_KB + returned_size / 1024 * _RETURNED_KB
    return round(charge, 2)


def feed(size: int) -> float:
    """One page of a feed of `size` bytes, empty or not."""
    return round(_READ + _READ_KB * size / 1024, 2)


def _extra_kb(size: int) -> float:
    return max(0.0, size / 1024 - 1)


def _indexed_values(policy: IndexingPolicy, document: Any) -> int:
    """Roughly how many values of a document are indexed: all of them, or one for each path that is named."""
    if policy.body["indexingMode"] == "none":
        return 0
    return _leaves(document) if policy.includes_everything else policy.included_count


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(_leaves, value))
    return 1
