"""Which groups of Entra ID a caller is in: as their token says, or as the directory does, where the token can't.

Entra ID leaves the claim `groups` out where there are more groups than fit into a token (200), and says so by
`_claim_names`, or by `hasgroups`. Source:
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass


class GroupSource(ABC):
    """A directory that tells who is in which group."""

    @abstractmethod
    async def groups_among(self, user: GroupsOfCaller, group_ids: frozenset[str]) -> frozenset[str]:
        """Those of these groups that somebody is in; none while the directory does not answer."""


@dataclass(frozen=True)
class GroupsOfCaller:
    """The groups of whoever calls.

    Attributes:
        shown: What their token says; None where it leaves them out.
        source: Whom to ask then; None where there is nobody.
    """

    user_id: str
    tenant_id: str
    token: str
    shown: frozenset[str] | None
    source: GroupSource | None

    async def among(self, group_ids: Collection[str]) -> frozenset[str]:
        """Those of these groups that they are in; none where it can't be told."""
        asked = frozenset(group_ids)
        if self.shown is not None:
            return asked & self.shown
        return await self.source.groups_among(self, asked) if self.source and asked else frozenset()
