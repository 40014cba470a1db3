"""What one process works with, by class: who asks for a part knows its class, and nobody in between has to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import Protocol, TypeVar

from cosmos.core.database import Database
from cosmos.core.groups import Groups
from cosmos.core.repository import Repository
from models.core.identity import Person
from models.core.kinds import Kind, R
from models.core.rights import Place

P = TypeVar("P")


class Account(Protocol):
    """As much of an account as is to be known to make its documents."""

    @property
    def id(self) -> str: ...

    @property
    def text_storage_consent(self) -> bool: ...


class Callers(Protocol):
    """Whose request is answered: they have an account, or get one."""

    async def writer(
        self, person: Person, now: datetime, last_login: datetime, roles: Collection[str] | None = None
    ) -> Account:
        """The account of somebody who is about to write, or is of the staff.

        Raises:
            AccountClosed: it may not.
        """

    async def check_not_deleted(self, user_id: str) -> None:
        """Stops a user whose account is deleted.

        Raises:
            AccountClosed: it is.
        """

    async def check_known(self, user_id: str) -> None:
        """Stops what is about a user who is not there.

        Raises:
            NotFound: there is no such user.
            AccountClosed: the account is deleted.
        """


class Parts(ABC):
    """What reads and writes the containers. `functions/composition.py` puts it together; a part is had by its class."""

    database: Database

    @property
    @abstractmethod
    def callers(self) -> Callers:
        """Who knows the accounts."""

    @abstractmethod
    async def place(self, user_id: str, organization_id: str, groups: Groups | None = None) -> Place | None:
        """How somebody stands in an organization; None if there is no such organization.

        Args:
            groups: Of whoever calls: those of their directory that they are in may give them roles there.
        """

    def __getitem__(self, part: type[P]) -> P:
        found = self._by_class.get(part)
        if not isinstance(found, part):
            raise LookupError(f"there is no {part.__name__} among the parts of this process")
        return found

    @property
    def _by_class(self) -> dict[type, object]:
        return {type(part): part for part in vars(self).values()}

    def repository(self, kind: Kind[R]) -> Repository[R]:
        """The documents of a declared kind."""
        return Repository(self.database, kind)
