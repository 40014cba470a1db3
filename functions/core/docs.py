"""The description of this API, for programs and for people."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from functions.core.answers import Kept
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.openapi import describe
from functions.core.operation import Operation, Reply
from models.core.actions import READ_DESCRIPTION
from models.core.kinds import Kind

PAGE = Path(__file__).with_name("docs.html")
CACHED = {"Cache-Control": "public, max-age=300"}


class OpenApi(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str = Field(description="Version of the specification")
    info: dict[str, JsonValue]
    paths: dict[str, JsonValue]


def routes_describing(others: Iterable[Routes], kinds: Collection[Kind[Any]]) -> Routes:
    """The operations that describe `others`, and themselves."""
    routes = Routes()
    operations: list[Operation] = [operation for other in others for operation in other.operations]
    described: dict[str, Kept] = {}

    @routes.operation(
        "GET",
        "openapi.json",
        summary="This description, as OpenAPI 3.1",
        action=READ_DESCRIPTION,
        returns=OpenApi,
        hashed=True,
    )
    async def get_openapi(call: Call[None]) -> Reply:
        url = call.services.settings.entra_metadata_url
        if url not in described:
            described[url] = Kept.of(json.dumps(describe([*operations, *routes.operations], kinds, metadata_url=url)))
        return Reply(described[url], headers=CACHED)

    @routes.operation(
        "GET",
        "docs",
        summary="A page to read this description and try it",
        action=READ_DESCRIPTION,
        returns=None,
        media_type="text/html",
        hashed=True,
    )
    async def get_docs(call: Call[None]) -> Reply:
        html, policy = page()
        return Reply(html, headers=CACHED | {"Content-Security-Policy": policy})

    return routes


@cache
def page() -> tuple[Kept, str]:
    """The page, and the Content-Security-Policy that lets its own script and style run and nothing else."""
    html = PAGE.read_text("utf-8")
    script, style = (_hash_of(tag, html) for tag in ("script", "style"))
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Kept.of(html), policy


def _hash_of(tag: str, html: str) -> str:
    """The source expression for the one inline element of this tag (Content Security Policy Level 3, 2.3.1)."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
