"""Indexing policies: their defaults, what they index, and which ORDER BY they can serve.

The engine scans instead of keeping such indexes, so a policy decides only what a query may do and what it costs,
which is where an application would otherwise be surprised in the cloud: documents that an index tells apart are not
charged for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.cosmosdb.errors import bad_request

_ETAG_PATH = '/"_etag"/?'
_SEGMENT = re.compile(r'/("(?:[^"\\]|\\.)*"|[^/]*)')
_ALWAYS_INDEXED = {("id",), ("_ts",)}


def complete_policy(policy: Any) -> dict[str, Any]:
    """The policy as the service stores it: defaults filled in, `_etag` excluded; raises CosmosError if invalid."""
    if policy is None:
        policy = {}
    if not isinstance(policy, dict):
        raise bad_request("The indexing policy must be an object.")
    mode = str(policy.get("indexingMode", "consistent")).lower()
    if mode not in {"consistent", "none", "lazy"}:
        raise bad_request(f"The indexing mode '{mode}' is invalid.")
    completed = {**policy, "indexingMode": mode, "automatic": bool(policy.get("automatic", True))}
    if mode == "none":
        return completed
    included = list(policy.get("includedPaths") or [])
    excluded = list(policy.get("excludedPaths") or [])
    if not included and not excluded:
        included = [{"path": "/*"}]
    paths = [entry.get("path") if isinstance(entry, dict) else None for entry in [*included, *excluded]]
    _check_paths(paths)
    if _ETAG_PATH not in paths:
        excluded.append({"path": _ETAG_PATH})
    included = [_without_old_kinds(entry) for entry in included]
    return {**completed, "includedPaths": included, "excludedPaths": excluded}


def _without_old_kinds(entry: dict[str, Any]) -> dict[str, Any]:
    """An included path without the Hash and Range indexes of old policies, which the service ignores too."""
    kept = [index for index in entry.get("indexes") or [] if str(index.get("kind")).lower() not in {"hash", "range"}]
    return {**{k: v for k, v in entry.items() if k != "indexes"}, **({"indexes": kept} if kept else {})}


def _check_paths(paths: Sequence[Any]) -> None:
    for path in paths:
        if not isinstance(path, str) or not path.startswith("/"):
            raise bad_request(f"The indexing path '{path}' could not be accepted: it must start with a slash.")
        if path != "/" and path.rsplit("/", 1)[1] not in {"?", "*"}:
            raise bad_request(f"The indexing path '{path}' could not be accepted: it must end with /? or /*.")
    if "/*" not in paths and "/" not in paths:
        raise bad_request(
            'The special mandatory indexing path "/" is not provided in any of the path type sets. '
            "Please provide this path in one of the sets."
        )


@dataclass(frozen=True)
class IndexingPolicy:
    """A completed policy, ready to be asked."""

    body: dict[str, Any]

    @cached_property
    def _patterns(self) -> list[tuple[tuple[str, ...], bool]]:
        """Path patterns with whether they include, the most precise first."""
        patterns = [
            (_names(entry["path"]), kind == "includedPaths")
            for kind in ("includedPaths", "excludedPaths")
            for entry in self.body.get(kind, [])
        ]
        return sorted(patterns, key=lambda pattern: (len(pattern[0]), pattern[0][-1] == "?"), reverse=True)

    @cached_property
    def _composites(self) -> list[list[tuple[tuple[str, ...], bool]]]:
        return [
            [(_names(entry["path"]), str(entry.get("order", "ascending")).lower() == "ascending") for entry in index]
            for index in self.body.get("compositeIndexes") or []
        ]

    @cached_property
    def includes_everything(self) -> bool:
        return (("*",), True) in self._patterns

    @cached_property
    def included_count(self) -> int:
        """How many paths are named for indexing."""
        return sum(included for _, included in self._patterns)

    def indexes(self, path: str) -> bool:
        """Whether the scalar at a path like `/a/b` is indexed."""
        names = _names(path)
        if self.body["indexingMode"] == "none":
            return False
        return names in _ALWAYS_INDEXED or next(
            (included for pattern, included in self._patterns if _matches(pattern, names)), False
        )

    def check_order_by(self, order: Sequence[tuple[str, bool]]) -> None:
        """Raise CosmosError unless ORDER BY on these paths (with whether ascending) can be served.

        One path must be indexed; several need a composite index of exactly these paths, in these directions or in all
        of the opposite ones.
        """
        if len(order) == 1:
            if not self.indexes(order[0][0]):
                raise bad_request("The index path corresponding to the specified order-by item is excluded.")
            return
        wanted = [(_names(path), ascending) for path, ascending in order]
        opposite = [(names, not ascending) for names, ascending in wanted]
        if wanted not in self._composites and opposite not in self._composites:
            raise bad_request(
                "The order by query does not have a corresponding composite index that it can be served from."
            )


def _names(path: str) -> tuple[str, ...]:
    """A path's segments; `/` is an old way to write `/*`."""
    return tuple(name[1:-1] if name.startswith('"') else name or "*" for name in _SEGMENT.findall(path))


def _matches(pattern: tuple[str, ...], names: tuple[str, ...]) -> bool:
    if pattern[-1] == "*":
        return names[: len(pattern) - 1] == pattern[:-1]
    return names == pattern[:-1]
