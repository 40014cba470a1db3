"""Container `users`: the claims by which an email address has one account in a tenant."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from cosmos.core.database import Database, Item, Stored
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, write_over
from models.accounts.claims import EmailClaim
from models.accounts.profile import EmailStatus
from models.core.errors import Stale
from models.core.identity import email_claim_id_of


class EmailClaims:
    """Makes, moves and releases claims. Each is in a partition of its own."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def settle(self, tenant_id: str, email: str | None, user_id: str, now: datetime) -> EmailStatus:
        """Claims an address for a user unless somebody else of the tenant holds it, and says how it stands."""
        if email is None:
            return "absent"
        claim = EmailClaim.of(tenant_id, email, user_id, now)
        held = await self._held(tenant_id, email)
        if held is None:
            try:
                await write_over(self._container, claim.body(), None)
            except Outrun:
                held = await self._held(tenant_id, email)
        return "claimed" if held is None or held["user_id"] == user_id else "contested"

    async def release(self, tenant_id: str, email: str, user_id: str) -> None:
        """Lets an address go, if the user holds it."""
        held = await self._held(tenant_id, email)
        if held is None or held["user_id"] != user_id:
            return
        with suppress(Outrun):  # it has gone to somebody meanwhile
            await delete(self._container, held["id"], held["id"], held["_etag"])

    async def read(self, tenant_id: str, email: str) -> Stored[EmailClaim] | None:
        """Who holds an address, by one point read."""
        held = await self._held(tenant_id, email)
        return Stored(EmailClaim.parse(held), held["_etag"]) if held else None

    async def move(self, held: Stored[EmailClaim] | None, claim: EmailClaim) -> None:
        """Puts a claim in the place of the one that was read, or of none.

        Raises:
            Stale: it has moved since.
        """
        try:
            if held is None:
                await write_over(self._container, claim.body(), None)
            elif held.document.user_id != claim.user_id:
                written = claim.model_copy(update={"revision": held.document.revision + 1})
                await write_over(self._container, written.body(), held.etag)
        except Outrun:
            raise Stale from None

    async def _held(self, tenant_id: str, email: str) -> Item | None:
        claim_id = email_claim_id_of(tenant_id, email)
        return await read_or_none(self._container, claim_id, claim_id, ["email_claim"])
