"""Marked data: bodies, queries and headers in which every text that may be anybody's holds a marker to search for."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from itertools import count
from typing import Any

from pydantic import BaseModel, ValidationError

MARK = "zqx7mark"
ADDRESS = "203.0.113.213"
KNOWN = ("token", "action", "relation", "role", "roles", "permission", "permissions", "AnswerRequest.model")
"""Fields whose texts name what the app knows, some of one model alone."""

_numbers = count()


def headers() -> dict[str, str]:
    """What a browser sends besides the token, and what else somebody may."""
    return {
        "User-Agent": f"Mozilla/5.0 (X11; Linux x86_64) {MARK}agent/1.0",
        "X-Forwarded-For": f"{ADDRESS}, 10.0.0.1",
        "Cookie": f"session={MARK}cookie",
        "Referer": f"https://{MARK}referer.example/chat",
        "Accept-Language": f"en, {MARK}",
        "tracestate": f"{MARK}=1",
        "baggage": f"user={MARK}baggage",
        "X-Audit-Reason": f"{MARK} asked for it",
        "Idempotency-Key": f"{MARK}-{next(_numbers)}",
    }


def filled(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """The example with a marker in each text that the model leaves free, also in those that the example lacks."""
    body = dict(example)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if (name.endswith("_id") and key in body) or name in KNOWN or f"{model.__name__}.{name}" in KNOWN:
            continue  # it names something that is there
        inner = _model_in(field.annotation)
        if inner and isinstance(body.get(key), dict):
            body[key] = filled(inner, body[key])
        for candidate in _candidates(name):
            if _is_valid(model, body | {key: candidate}) and not isinstance(body.get(key), dict):
                body[key] = candidate
                break
    return body


def _candidates(name: str) -> Iterator[Any]:
    text = f"{MARK} {next(_numbers)}" if name == "name" else f"{MARK} {name}"  # a name may have to be free
    yield from (text, f"{MARK}{next(_numbers)}@contoso.example", f"{MARK}-{next(_numbers)}", [text], [f"{MARK}-{name}"])


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _is_valid(model: type[BaseModel], body: dict[str, Any]) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True
