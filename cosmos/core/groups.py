"""The groups of a directory that somebody is in, as far as anybody asks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Groups(Protocol):
    """Somebody's groups in one tenant of Entra ID, by their object ids."""

    @property
    def tenant_id(self) -> str:
        """The `tid`: groups of other tenants are none of theirs."""

    async def among(self, group_ids: Collection[str]) -> frozenset[str]:
        """Those of these groups that they are in; none where it can't be told."""
