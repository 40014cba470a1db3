"""Whether the app is alive."""

from __future__ import annotations

from typing import Literal

from functions.api import Access, Call, Routes
from models.document import Message

routes = Routes()


class Health(Message):
    status: Literal["ok"] = "ok"


@routes.operation("GET", "health", summary="Whether the app is alive", returns=Health, access=Access.ANYONE)
async def get_health(call: Call[None]) -> Health:
    return Health()
