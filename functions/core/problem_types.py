"""The catalogue of problems: every stable `type` that an answer may have, with the status and title that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.core.limits import ShownMeasure, Window
from models.core.values import Timestamp

TYPE_PREFIX = "urn:vimarsh:problem:"


class FieldError(BaseModel):
    """What is wrong with one field of the request."""

    model_config = ConfigDict(extra="forbid")

    pointer: str = Field(description="JSON pointer into the body; parameters of the query string are below `/query`")
    detail: str = Field(description="What is wrong with it; quotes no values")


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 describes it. `type` is stable: decide by it, and show `detail` to people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="A URN that names the kind of problem",
        json_schema_extra=lambda schema: schema.update(enum=[TYPE_PREFIX + slug for slug in PROBLEM_TYPES]),
    )
    title: str = Field(description="The same for every problem of the type")
    status: int = Field(ge=400, le=599, description="The HTTP status again")
    detail: str = Field(description="What went wrong this time; without personal data")
    request_id: str = Field(description="The same as in the header `x-request-id`: name it when you ask for help")


class InvalidProblem(ProblemDetails):
    """422: the content was understood, and is not taken."""

    errors: list[FieldError] = Field(default=[], description="Each field that is not valid, of the type `…:invalid`")


class LimitReachedProblem(ProblemDetails):
    """429: a limit of the user stands in the way. Amounts are counts of queries or tokens, or USD."""

    scope: str = Field(description="Whose limit it is: `user`")
    window: Window = Field(description="The UTC minute, or the day or month of the user's calendar")
    measure: ShownMeasure = Field(description="What is limited")
    resets_at: Timestamp = Field(description="First instant after the window")
    limit: int | float = Field(description="What may be used")
    used: int | float = Field(description="By turns that have been recorded")
    reserved: int | float = Field(description="By admissions that are neither settled nor released nor expired")
    requested: int | float = Field(description="What was asked for")


class NotReadyProblem(ProblemDetails):
    """503: the app can't do its work for now."""

    checks: list[str] = Field(default=[], description="Those that fail, of the type `…:not-ready`")
    settings: list[str] = Field(
        default=[], description="Those that are missing or wrong, by name, of the type `…:misconfigured`"
    )


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem.

    Attributes:
        slug: Last part of the `type`.
        example: A `detail` as a caller may see it.
        extra: Further members of the example's body.
        model: The answer's body, with the further members that a problem of this kind may have.
    """

    slug: str
    status: int
    title: str
    example: str
    extra: tuple[tuple[str, Any], ...] = ()
    model: type[ProblemDetails] = ProblemDetails

    def body(self) -> dict[str, Any]:
        """An example of the answer's body."""
        return {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.example,
            **dict(self.extra),
            "request_id": "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11",
        }


_ERRORS = (("errors", [{"pointer": "/input_tokens", "detail": "Input should be greater than or equal to 0"}]),)

PROBLEM_TYPES: dict[str, ProblemType] = {
    kind.slug: kind
    for kind in (
        ProblemType("bad-request", 400, "The request is malformed", "The body is not JSON."),
        ProblemType(
            "bad-continuation",
            400,
            "The continuation is not valid",
            "The continuation is not from a page of this list with these filters. Start again without it.",
        ),
        ProblemType(
            "audit-reason-required",
            400,
            "A reason is required",
            "Say why you read what this user wrote: X-Audit-Reason with 1 to 500 characters.",
        ),
        ProblemType("unauthenticated", 401, "Not signed in", "The token has expired"),
        ProblemType("forbidden", 403, "Not allowed", "The token lacks the scope Vimarsh.Access."),
        ProblemType("tenant-not-allowed", 403, "Not for this tenant", "The users of your tenant may not sign in here."),
        ProblemType("account-suspended", 403, "The account is suspended", "This account is suspended."),
        ProblemType("account-blocked", 403, "The account is blocked", "This account is blocked."),
        ProblemType(
            "self-moderation",
            403,
            "Not on your own account",
            "Nobody moderates their own account. Ask somebody else of the staff.",
        ),
        ProblemType(
            "outranked",
            403,
            "Not on an account with more rights",
            "This account has more rights than yours. Ask an admin.",
        ),
        ProblemType(
            "own-review", 403, "Not on your own review", "This review is your own. Others say whether it is helpful."
        ),
        ProblemType("consent-required", 403, "A guardian has to consent", "A guardian has to consent first."),
        ProblemType(
            "more-than-ones-own",
            403,
            "More than one's own rights",
            "Nobody gives or takes more rights than they have themselves, nor for longer.",
        ),
        ProblemType(
            "made-by-server",
            403,
            "A server made it",
            "A server made this reservation: only servers release it.",
        ),
        ProblemType("not-found", 404, "Not found", "There is no such session."),
        ProblemType(
            "unknown-model",
            404,
            "There is no such model",
            "There is no model of that name to ask. GET /api/models lists those that there are.",
        ),
        ProblemType("method-not-allowed", 405, "Not with this method", "This path takes GET, HEAD, PATCH."),
        ProblemType(
            "birth-year-fixed",
            409,
            "The year of birth stays",
            "Nobody makes themselves older: a year of birth can only be changed to a later one.",
        ),
        ProblemType(
            "too-many-requests",
            409,
            "Too many requests wait",
            "As many requests wait to be confirmed as may. Try again when one of them is.",
        ),
        ProblemType(
            "seats-taken",
            409,
            "All seats are taken",
            "All seats of this organization are taken. Remove somebody, or have more seats given.",
        ),
        ProblemType(
            "last-organization-admin",
            409,
            "The last admin stays",
            "This is the organization's last admin. Make somebody else admin first, or hand it over.",
        ),
        ProblemType(
            "not-orphaned",
            409,
            "Somebody answers for it",
            "This organization has an admin, who can hand it over.",
        ),
        ProblemType("name-taken", 409, "The name is taken", "This username is taken. Choose another one."),
        ProblemType(
            "last-admin",
            409,
            "The last active admin",
            "No other active admin is known, so this account can't be closed. Give somebody else the role "
            "Vimarsh.Admin in Entra ID, and have them call GET /api/me; then repeat this.",
        ),
        ProblemType(
            "admission-settled",
            409,
            "The admission is settled",
            "The turn of this admission has been counted. Ask for another one, with a new key.",
        ),
        ProblemType(
            "wrong-status",
            409,
            "The account's status does not allow it",
            "restore can't be done to an account that is active.",
        ),
        ProblemType(
            "finding-changed",
            409,
            "The finding has changed",
            "The rule finds something else by now, or nothing. Read the risk again.",
        ),
        ProblemType(
            "answer-running",
            409,
            "The answer is being made",
            "This answer is being made. See how far it is at Location, or send the same request again later.",
        ),
        ProblemType("account-deleted", 410, "The account is deleted", "This account is deleted."),
        ProblemType(
            "length-required",
            411,
            "Content-Length is required",
            "Send the body whole, with its Content-Length, and not in chunks.",
        ),
        ProblemType(
            "precondition-failed",
            412,
            "It has changed",
            "It has changed since you read it. Read it again, and send If-Match with its new ETag.",
        ),
        ProblemType(
            "too-large", 413, "The body is too large", "The body has 1000001 bytes; at most 1000000 are taken."
        ),
        ProblemType("invalid", 422, "The content is not valid", "Not valid: /input_tokens.", _ERRORS, InvalidProblem),
        ProblemType(
            "key-reused",
            422,
            "The key was used with another body",
            "This key was used before with another body. Send a new key, or the same body.",
        ),
        ProblemType(
            "preferences-too-large",
            422,
            "The preferences are too large",
            "All preferences together may have 16384 bytes. Remove some by setting them to null.",
        ),
        ProblemType(
            "precondition-required",
            428,
            "If-Match is required",
            "Send the ETag of what you have read as If-Match, so that nobody's change is lost.",
        ),
        ProblemType(
            "unpriced-model",
            422,
            "The model has no price",
            "The model has no price, and the cost of this account is limited. Ask for another model.",
        ),
        ProblemType(
            "too-long-for-model",
            422,
            "Too long for the model",
            "The question has no room in the model's window. Ask a shorter one, or another model.",
        ),
        ProblemType(
            "answer-refused",
            422,
            "The model's provider refuses",
            "The model's provider refuses to answer this.",
        ),
        ProblemType(
            "limit-reached",
            429,
            "A limit is reached",
            "1 queries more would exceed the limit of 30 per minute: 29 used and 1 reserved. "
            "It resets at 2026-11-20T09:31:00.000000Z.",
            (
                ("scope", "user"),
                ("window", "minute"),
                ("measure", "queries"),
                ("resets_at", "2026-11-20T09:31:00.000000Z"),
                ("limit", 30),
                ("used", 29),
                ("reserved", 1),
                ("requested", 1),
            ),
            LimitReachedProblem,
        ),
        ProblemType(
            "too-many-turns",
            429,
            "Too many turns at once",
            "More turns, or longer ones, than are taken within a minute. Send this one again later.",
        ),
        ProblemType(
            "model-failed",
            502,
            "The model failed",
            "The model gave no answer. Nothing was charged. Try again with a new key.",
        ),
        ProblemType(
            "answer-broken-off",
            502,
            "The answer was broken off",
            "The answer ended before it was whole. What there is of it is recorded. Try again with a new key.",
        ),
        ProblemType(
            "model-slow",
            504,
            "The model takes too long",
            "The model said nothing for too long. Nothing was charged. Try again with a new key.",
        ),
        ProblemType(
            "model-busy",
            503,
            "The model is busy",
            "The model takes no more requests for now. Nothing was charged. Try again later with a new key.",
        ),
        ProblemType("internal", 500, "Something went wrong", "The error has been logged under this request id."),
        ProblemType(
            "unavailable",
            503,
            "Try again",
            "The database is busy or out of reach. Send the same request again.",
        ),
        ProblemType(
            "misconfigured",
            503,
            "The app's settings are not right",
            "Settings of the app are missing or wrong: ENTRA_AUDIENCE. Who runs it has to set them right.",
            (("settings", ["ENTRA_AUDIENCE"]),),
            NotReadyProblem,
        ),
        ProblemType("not-ready", 503, "Not ready", "Some checks fail.", (("checks", ["database"]),), NotReadyProblem),
    )
}
"""By slug."""
