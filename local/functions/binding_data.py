"""What names in braces stand for in the properties of a function's bindings: `{id}`, `{headers.x-id}`, `{rand-guid}`.

For HTTP these are the route's parameters, those of the query, and the properties of a JSON body, in this order; names
are one in any case, except behind `Query.`.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.functions.http import HttpRequest


def http_data(function_name: str, request: HttpRequest) -> dict[str, str]:
    """The names of a request, in lower case but for `Query.name`."""
    moment = datetime.now(UTC)
    return {
        "rand-guid": str(uuid.uuid4()),
        "datetime": moment.isoformat(),
        "sys.methodname": function_name,
        "sys.utcnow": moment.isoformat(),
        "sys.randguid": str(uuid.uuid4()),
        **{f"headers.{name.lower()}": value for name, value in request.headers.items()},
        **dict(_of_body(request)),
        **{name.lower(): value for name, value in request.params.items()},
        **{f"query.{name.lower()}": value for name, value in request.params.items()},
        **{name.lower(): value for name, value in request.route_params.items()},
    }


def _of_body(request: HttpRequest) -> Iterator[tuple[str, str]]:
    try:
        body = request.get_json() if request.get_body() else None
    except ValueError:
        return
    if isinstance(body, Mapping):
        yield from _flatten("", body)


def _flatten(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, entry in value.items():
        if isinstance(entry, Mapping):
            yield from _flatten(f"{prefix}{name.lower()}.", entry)
        elif entry is not None and not isinstance(entry, list):
            yield f"{prefix}{name.lower()}", str(entry).lower() if isinstance(entry, bool) else str(entry)
