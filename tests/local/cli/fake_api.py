"""A small API that keeps what it is told, as the real one does, and can be told to misbehave."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra.server import serve_in_thread


class FakeApi:
    """Ingest and live routes over a dict; `turns` has what was stored, in the order of arrival.

    `failures`: answers to give first, to any API request: (status, headers). `item_failures`: turn id -> statuses to
    give it first. `lags`: what the feed reports, one after the other; then 0. `refused_sessions`: how many starts
    are refused first.
    """

    def __init__(self) -> None:
        self.turns: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.batches: list[int] = []
        self.claims: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.failures: deque[tuple[int, dict[str, str]]] = deque()
        self.item_failures: dict[str, deque[int]] = {}
        self.lags: deque[int] = deque()
        self.refused_sessions = 0

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/ingest/turns", self._ingest, methods=["POST"]),
                Route("/api/me", self._me),
                Route("/api/sessions", self._session, methods=["POST"]),
                Route("/api/sessions/{session_id}/interactions", self._interaction, methods=["POST"]),
                Route("/_local/feeds", self._feeds),
            ]
        )

    def _admit(self, request: Request) -> Response | None:
        self.requests.append(f"{request.method} {request.url.path}")
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.claims.append(jwt.decode(token, options={"verify_signature": False}))
        self.headers.append(dict(request.headers))
        if self.failures:
            status, headers = self.failures.popleft()
            return JSONResponse({"title": "made to fail"}, status, headers=headers)
        return None

    async def _ingest(self, request: Request) -> Response:
        turns = json.loads(await request.body())["turns"]
        if failure := self._admit(request):
            return failure
        self.batches.append(len(turns))
        return JSONResponse({"items": [self._store(turn["id"], turn) for turn in turns]}, 207)

    async def _me(self, request: Request) -> Response:
        return self._admit(request) or JSONResponse({"email": self.claims[-1]["email"]})

    async def _session(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if failure := self._admit(request):
            return failure
        if self.refused_sessions:
            self.refused_sessions -= 1
            return JSONResponse({"title": "no"}, 409)
        assert body.keys() == {"timezone"}
        session = f"session-of-{request.headers['idempotency-key']}"
        self.sessions[session] = body
        return JSONResponse(body | {"session_id": session}, 201)

    async def _interaction(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if failure := self._admit(request):
            return failure
        session = request.path_params["session_id"]
        assert session in self.sessions
        stored = body | {"session_id": session, "user": {"email": self.claims[-1]["email"]}}
        item = self._store(request.headers["idempotency-key"], stored)
        return JSONResponse(item, 201)

    async def _feeds(self, request: Request) -> Response:
        lag = self.lags.popleft() if self.lags else 0
        return JSONResponse({"feeds": [{"function": "fold", "lag": lag, "lag_seconds": 0.0}]})

    def _store(self, turn_id: str, turn: dict[str, Any]) -> dict[str, Any]:
        waiting = self.item_failures.get(turn_id)
        if waiting:
            return {"id": turn_id, "status": waiting.popleft(), "error": {"title": "made to fail"}}
        known = turn_id in self.turns
        self.turns.setdefault(turn_id, turn)
        return {"id": turn_id, "status": 200 if known else 201}


@contextmanager
def serving(api: FakeApi) -> Iterator[str]:
    with serve_in_thread(app=api.app()) as url:
        yield url
