"""What is wrong with a query, in the words, codes and shape that Azure Cosmos DB answers with."""

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Where something stands in the query text: the first character and the one after the last."""


class QueryError(Exception):
    """The query is refused. `code` is "SC1001" and so on, or empty where Azure gives none; `also` has further errors.

    `str(error)` is the JSON text that Azure puts into the message of its 400 Bad Request.
    """

    def __init__(self, code: str, message: str, span: Span | None = None, also: "Sequence[QueryError]" = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.also = also

    def __str__(self) -> str:
        return json.dumps(self.body(), separators=(",", ":"), ensure_ascii=False)

    def body(self) -> dict[str, Any]:
        """The error as Azure's object: {"errors": [{"severity", "location", "code", "message"}]}."""
        if not self.code:
            return {"Errors": [self.message]}
        return {"errors": [error._entry() for error in (self, *self.also)]}

    def _entry(self) -> dict[str, Any]:
        error: dict[str, Any] = {"severity": "Error"}
        if self.span:
            error["location"] = {"start": self.span[0], "end": self.span[1]}
        error["code"] = self.code
        error["message"] = self.message
        return error


def syntax_error(near: str, span: Span) -> QueryError:
    """SC1001, at the token that no rule of the grammar accepts."""
    where = f"incorrect syntax near '{near}'." if near else "unexpected end of the query."
    return QueryError("SC1001", f"Syntax error, {where}", span)


def unresolved_identifier(name: str, span: Span) -> QueryError:
    """SC2001: an identifier that is no alias in scope."""
    return QueryError("SC2001", f"Identifier '{name}' could not be resolved.", span)


def unknown_function(name: str, span: Span) -> QueryError:
    """SC2005: no such built-in function."""
    return QueryError("SC2005", f"'{name}' is not a recognized built-in function name.", span)


def wrong_arguments(name: str, least: int, most: int | None, span: Span) -> QueryError:
    """SC2050: too few or too many arguments."""
    bounds = f"at least {least}" if most is None else f"{least} to {most}"
    count = str(least) if least == most else bounds
    return QueryError("SC2050", f"The {name} function requires {count} argument(s).", span)
