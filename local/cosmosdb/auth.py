"""Master key signatures: HMAC-SHA256 over the verb, the resource and the date.

https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

import base64
import hmac
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import unquote

from local.cosmosdb.addressing import Address
from local.cosmosdb.clock import Clock
from local.cosmosdb.errors import CosmosError

EMULATOR_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The key that every Cosmos DB emulator accepts; it is published and protects nothing."""

_VALID_FOR = 15 * 60


class Authenticator:
    """Checks that a request was signed with the account's key within a quarter of an hour of now."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = base64.b64decode(key)
        self._clock = clock

    def check(self, verb: str, address: Address, headers: Mapping[str, str]) -> None:
        """Raise CosmosError 401 (or 403 for an old date) unless the request is signed."""
        authorization = headers.get("authorization")
        if not authorization:
            raise CosmosError(
                401, "Required Header authorization is missing. Ensure a valid Authorization token is passed."
            )
        fields = dict(field.partition("=")[::2] for field in unquote(authorization).split("&"))
        if fields.get("type") != "master" or fields.get("ver") != "1.0":
            raise CosmosError(401, "This endpoint takes authorization tokens of type=master&ver=1.0 only.")
        date = headers.get("x-ms-date", "")
        http_date = "" if date else headers.get("date", "")
        self._check_date(date or http_date)
        payload = "\n".join(
            [verb.lower(), address.resource_type, address.resource_link, date.lower(), http_date.lower(), ""]
        )
        expected = base64.b64encode(hmac.digest(self._key, payload.encode(), "sha256")).decode()
        if not hmac.compare_digest(expected.encode(), fields.get("sig", "").strip().encode()):
            raise CosmosError(
                401,
                "The input authorization token can't serve the request. The wrong key is being used or the expected "
                "payload is not built as per the protocol. Server used the following payload to sign: "
                f"'{payload}'",
            )

    def _check_date(self, date: str) -> None:
        moment = _parse_date(date)
        if moment is None:
            raise CosmosError(401, "The date header of the request is missing or not a valid RFC 1123 date.")
        if abs(moment - self._clock.now()) > _VALID_FOR:
            raise CosmosError(403, f"The authorization token is not valid at the current time. Token date: {date}")


@lru_cache(maxsize=1024)
def _parse_date(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
