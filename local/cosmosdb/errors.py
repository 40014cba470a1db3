"""Errors as the service reports them: a status, a sub-status and a body of code and message."""

from typing import Any

import orjson

_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    408: "RequestTimeout",
    413: "RequestEntityTooLarge",
    429: "429",
    449: "449",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class CosmosError(Exception):
    """A request that the service refuses.

    `sub_status` is the value of `x-ms-substatus` (0: none); `extra` is merged into the body, e.g. the query plan
    that goes with 400/1004; `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        sub_status: int = 0,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.sub_status = sub_status
        self.message = message
        self.extra = extra or {}
        self.headers = headers or {}

    @property
    def code(self) -> str:
        return _CODES.get(self.status, "Unknown")

    def body(self, activity_id: str) -> bytes:
        """The JSON body; a message that is JSON already (a query error) is embedded as it is."""
        inner = self.message if self.message.startswith("{") else orjson.dumps({"Errors": [self.message]}).decode()
        return orjson.dumps(
            {"code": self.code, "message": f"Message: {inner}\r\nActivityId: {activity_id}", **self.extra}
        )


def bad_request(message: str, sub_status: int = 0) -> CosmosError:
    return CosmosError(400, message, sub_status=sub_status)


def item_not_found() -> CosmosError:
    return CosmosError(
        404,
        "Entity with the specified id does not exist in the system. More info: https://aka.ms/cosmosdb-tsg-not-found",
    )


def resource_not_found() -> CosmosError:
    return CosmosError(404, "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found")


def owner_not_found() -> CosmosError:
    """The container (or database) that the address names does not exist."""
    return CosmosError(404, "Owner resource does not exist", sub_status=1003)


def range_gone(name: str) -> CosmosError:
    """There is no physical partition of this number: it has been split, or never was."""
    return CosmosError(410, f"The partition key range '{name}' is not available.", sub_status=1002)


def id_conflict() -> CosmosError:
    return CosmosError(409, "Entity with the specified id already exists in the system.")


def precondition_failed() -> CosmosError:
    return CosmosError(
        412,
        "Operation cannot be performed because one of the specified precondition is not met.",
    )


def partition_key_mismatch() -> CosmosError:
    return bad_request(
        "PartitionKey extracted from document doesn't match the one specified in the header. "
        "Learn more: https://aka.ms/CosmosDB/sql/errors/wrong-pk-value",
        sub_status=1001,
    )
