"""What the description of the API says of all operations alike."""

from __future__ import annotations

from typing import Any

from functions.core.call import MAX_KEY_CHARACTERS
from functions.core.tokens import SCOPE

Json = dict[str, Any]

ABOUT = """The user-data backend of an AI chat product: who the user is, what they asked, what they were answered, what
it cost, whether they liked it.

* **Signing in**: send an Entra ID access token for this API as `Authorization: Bearer …`. A user's token needs the
  scope `Vimarsh.Access`; staff and servers need an app role, named where one is asked for.
* **Errors** are `application/problem+json` (RFC 9457) with a stable `type`.
* **Repeating**: a POST with an `Idempotency-Key` can be sent again: the same key and body give the same answer and one
  document. The few that may be sent again as they are say so, and look at no key.
* **Editing**: what can be edited comes with an `ETag`. Send it back as `If-Match`: 428 without it, 412 if the thing has
  changed meanwhile.
* **Reading again**: with an `ETag` that you have as `If-None-Match`, a GET is answered with 304 and no content, unless
  something has changed. HEAD is answered wherever GET is. What has more than 4 kB is compressed for who takes gzip.
* **Bodies** are sent whole, with their `Content-Length`: in chunks they are refused with 411.
* **Lists** come as `{"items": […], "continuation": …}`. Send `continuation` back, with the same filters, for the next
  page; it is null on the last.
* **Unknown fields** and unknown parameters of a query string are refused with 422, which names them.
* **Later versions** add: fields to answers, values to enumerations, optional fields to requests. Pass over what you
  don't know.
* Timestamps are UTC and money is US dollars. Every answer names its request in `x-request-id`: the caller's own id, if
  it sent that header with up to 128 letters, digits and any of `_.:-`."""

RATE_LIMIT = ("RateLimit-Policy", "RateLimit")
"""Names of the headers that tell the limits of what an operation uses up."""

RESPONSE_HEADERS: dict[str, Json] = {
    "x-request-id": {
        "description": "The id of the request: the caller's own if it sent a plain one, else a new one",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$"},
    },
    "ETag": {
        "description": "Send it as If-Match to edit what is answered here, as If-None-Match to read it again only if "
        "it has changed",
        "required": True,
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where to see how far the work is that was begun, as a path",
        "required": True,
        "schema": {"type": "string", "pattern": "^/api/"},
    },
    "Link": {
        "description": 'Where to see how far the work is, with `rel="status"`, if the request began any',
        "required": False,
        "schema": {"type": "string"},
        "example": '</api/me/withdrawals/4f4d7b7b-a4f1-58bc-8df1-b0663942aaf9>; rel="status"',
    },
    "WWW-Authenticate": {
        "description": "How to sign in (RFC 6750)",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="vimarsh", error="invalid_token", error_description="The token has expired"',
    },
    "RateLimit-Policy": {
        "description": "The user's limits, as in draft-ietf-httpapi-ratelimit-headers-11; cost in 1e-6 USD",
        "required": False,
        "schema": {"type": "string"},
        "example": '"minute-queries";q=30;w=60, "day-cost";q=10000000;qu="micro-usd";w=86400',
    },
    "RateLimit": {
        "description": "What is left of each, without what is reserved, and the seconds until it is whole again. It is "
        "not there where nothing was counted, as when a turn is sent again",
        "required": False,
        "schema": {"type": "string"},
        "example": '"minute-queries";r=29;t=31, "day-cost";r=9998765;t=40131',
    },
    "Retry-After": {
        "description": "Seconds to wait before the request is sent again",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

PARAMETERS: dict[str, Json] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes the request repeatable: the same key and body give the same answer and one document; the "
        "same key with another body is refused (422). A UUID is a good key",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_CHARACTERS,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag of what you have read and now edit. `*` goes by whatever is there; of a list one must "
        "match; weak ones never do",
        "schema": {"type": "string", "minLength": 1, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
}


def security_schemes(metadata_url: str) -> Json:
    """How to sign in, with the OpenID metadata of the issuer of tokens."""
    return {
        "entra": {
            "type": "openIdConnect",
            "openIdConnectUrl": metadata_url,
            "description": f"Entra ID. A user's token needs the scope `{SCOPE}`, an application's token an app role.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token that you have already. The names are app roles, one of which it needs.",
        },
    }
