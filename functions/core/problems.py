"""Errors as `application/problem+json` (RFC 9457): the one place where exceptions become answers."""

from __future__ import annotations

import logging
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from pydantic import ValidationError

from cosmos.core.reading import READ_SESSION_NOT_AVAILABLE
from cosmos.core.status import TOO_LARGE
from functions.core.problem_types import PROBLEM_TYPES, TYPE_PREFIX
from functions.core.redaction import named, told
from models.core.errors import (
    AccountClosed,
    AdmissionSettled,
    BirthYearFixed,
    ConsentRequired,
    Contention,
    FindingChanged,
    KeyReused,
    LastAdmin,
    LastOrganizationAdmin,
    MadeByServer,
    MoreThanOnesOwn,
    NameTaken,
    NotFound,
    NotOrphaned,
    Outranked,
    OwnReview,
    PreferencesTooLarge,
    SeatsTaken,
    SelfModeration,
    Stale,
    TooManyRequests,
    TooManyTurns,
    WrongStatus,
)

MAX_ERRORS = 20
MAX_POINTER_CHARACTERS = 200

TRANSIENT = frozenset({401, 403, 408, 410, 412, 429, 449, 500, 502, 503, 504})
"""What Cosmos DB answers while it is busy, moves a partition, fails over or is kept from its identity, and to a write
that lost against another: the same request may succeed. Of all else it will answer the same again."""

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is an error.

    Attributes:
        status: HTTP status.
        slug: Last part of the stable `type`.
        title: The same for every problem of the type.
        headers: Further headers of the answer.
        extra: Further members of the body.
    """

    def __init__(
        self, status: int, slug: str, title: str, detail: str, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.title = title
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The problem without the id of the request that met it."""
        return {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": str(self),
        } | self.extra


def unauthenticated(detail: str, error: str | None = "invalid_token") -> Problem:
    """401 with the challenge of RFC 6750. A request without a token gets no error code."""
    challenge = 'Bearer realm="vimarsh"' + (f', error="{error}", error_description="{detail}"' if error else "")
    return Problem(401, "unauthenticated", "Not signed in", detail, {"WWW-Authenticate": challenge})


def forbidden(detail: str) -> Problem:
    return Problem(403, "forbidden", "Not allowed", detail)


def tenant_not_allowed(detail: str) -> Problem:
    return Problem(403, "tenant-not-allowed", "Not for this tenant", detail)


def invalid(error: ValidationError, within: str = "") -> Problem:
    """422 that names each field by its JSON pointer, below `within`. Quotes no values: they may be personal."""
    parts = error.errors(include_input=False, include_url=False, include_context=False)
    return _invalid([(within + "".join(f"/{name}" for name in part["loc"]), part["msg"]) for part in parts])


def not_valid(wrong: dict[str, str]) -> Problem:
    """The same, of fields by their JSON pointers, and what is wrong with each."""
    return _invalid(list(wrong.items()))


def _invalid(wrong: list[tuple[str, str]]) -> Problem:
    """Names at most `MAX_ERRORS` fields: a request of unknown fields alone must not make a longer answer."""
    errors = [{"pointer": _shortened(pointer), "detail": detail} for pointer, detail in wrong[:MAX_ERRORS]]
    fields = ", ".join(entry["pointer"] or "the body" for entry in errors[:5])
    more = f", and {len(wrong) - len(errors)} more fields" if len(wrong) > len(errors) else ""
    return Problem(422, "invalid", "The content is not valid", f"Not valid: {fields}{more}.", errors=errors)


def _shortened(pointer: str) -> str:
    """A pointer of bearable length: the names in it may be the client's."""
    return pointer if len(pointer) <= MAX_POINTER_CHARACTERS else f"{pointer[: MAX_POINTER_CHARACTERS - 1]}…"


_TYPES: dict[type[Exception], str] = {
    AdmissionSettled: "admission-settled",
    MadeByServer: "made-by-server",
    NotFound: "not-found",
    Stale: "precondition-failed",
    FindingChanged: "finding-changed",
    KeyReused: "key-reused",
    Outranked: "outranked",
    LastAdmin: "last-admin",
    PreferencesTooLarge: "preferences-too-large",
    SelfModeration: "self-moderation",
    NameTaken: "name-taken",
    BirthYearFixed: "birth-year-fixed",
    ConsentRequired: "consent-required",
    TooManyRequests: "too-many-requests",
    SeatsTaken: "seats-taken",
    LastOrganizationAdmin: "last-organization-admin",
    NotOrphaned: "not-orphaned",
    MoreThanOnesOwn: "more-than-ones-own",
    OwnReview: "own-review",
    WrongStatus: "wrong-status",
}
"""The kind of problem that each of the domain's errors is."""


def misconfigured(names: list[str]) -> Problem:
    """503 to whatever is asked, while settings are missing or wrong: their names, and no values."""
    kind = PROBLEM_TYPES["misconfigured"]
    detail = f"Settings of the app are missing or wrong: {', '.join(names)}. Who runs it has to set them right."
    return Problem(kind.status, kind.slug, kind.title, detail, {"Retry-After": "60"}, settings=names)


class GivenUp(Exception):
    """A request took too long. Safe to send it again."""


def of(error: Exception) -> Problem:
    """The problem that an exception is to the caller."""
    match error:
        case Problem():
            return error
        case AccountClosed():
            return _known(f"account-{error.status}", error)
        case TooManyTurns():
            kind = PROBLEM_TYPES["too-many-turns"]
            return Problem(
                kind.status, "too-many-turns", kind.title, str(error), {"Retry-After": str(error.retry_after)}
            )
        case HttpResponseError(status_code=status) if status == TOO_LARGE:
            log.warning("too large to be stored: %s", named(error))
            kind = PROBLEM_TYPES["too-large"]
            return Problem(kind.status, "too-large", kind.title, "It is too large to be stored. Send less at once.")
        case AzureError() | Contention() | GivenUp() if _may_pass(error):
            log.warning("the database did not answer: %s", named(error))
            detail = "The database is busy or out of reach. Send the same request again."
            return Problem(503, "unavailable", "Try again", detail, {"Retry-After": "1"})
        case _ if type(error) in _TYPES:
            return _known(_TYPES[type(error)], error)
        case _:
            log.error("unexpected: %s", told(error))
            return Problem(500, "internal", "Something went wrong", "The error has been logged under this request id.")


def _may_pass(error: Exception) -> bool:
    """Whether retrying helps. What has no status had no answer at all."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return True
    return error.status_code in TRANSIENT or getattr(error, "sub_status", None) == READ_SESSION_NOT_AVAILABLE


def known(slug: str) -> Problem:
    """A problem that is always told the same way."""
    kind = PROBLEM_TYPES[slug]
    return Problem(kind.status, slug, kind.title, kind.example)


def _known(slug: str, error: Exception) -> Problem:
    kind = PROBLEM_TYPES[slug]
    return Problem(kind.status, slug, kind.title, str(error))
