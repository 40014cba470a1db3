"""The app roles of Entra ID: what a token of a home tenant says about whoever bears it."""

from __future__ import annotations

from collections.abc import Collection

ADMIN_ROLE = "Vimarsh.Admin"
MODERATOR_ROLE = "Vimarsh.Moderator"
SERVICE_ROLE = "Vimarsh.Service"
"""Of an account that a service signs in with. It opens nothing: the account's use is not judged."""

INGEST_ROLE = "Vimarsh.Ingest"
"""Of a server."""

IMPORT_ROLE = "Vimarsh.Import"
"""Of whoever brings documents over from another system."""

VERIFY_ROLE = "Vimarsh.Verify"
"""Of whoever sees who is whose guardian, where no school does."""

APP_ROLES = frozenset({ADMIN_ROLE, MODERATOR_ROLE, SERVICE_ROLE, INGEST_ROLE, IMPORT_ROLE, VERIFY_ROLE})
ADMINS = frozenset({ADMIN_ROLE})
MODERATORS = frozenset({MODERATOR_ROLE, ADMIN_ROLE})
"""An admin may do all that a moderator may."""


def rank_of(roles: Collection[str]) -> int:
    """2 for an admin, 1 for a moderator, 0 for everybody else."""
    return 2 if ADMIN_ROLE in roles else 1 if MODERATOR_ROLE in roles else 0
