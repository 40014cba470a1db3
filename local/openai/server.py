"""Chat completions, streamed, as OpenAI and Azure OpenAI have them; which model is asked for makes no difference.

What it answers, how fast, and where it breaks, says `POST /_local/script`; `GET /_local/calls` tells what it was asked.
Without a script it repeats the question, a word at a time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.entra.server import serve_in_thread as serve

PATHS = ("/v1/chat/completions", "/openai/v1/chat/completions")


class Script(BaseModel):
    """What becomes of each call from now on."""

    model_config = ConfigDict(extra="forbid")

    words: int | None = Field(default=None, ge=0, description="Of the answer; those of the question if absent")
    pause: float = Field(default=0.0, ge=0, description="Seconds before each word")
    silent_after: int | None = Field(default=None, ge=0, description="Words, after which it says nothing any more")
    broken_after: int | None = Field(default=None, ge=0, description="Words, after which it hangs up")
    finish: str = Field(default="stop", description="Why it ends: `stop`, `length`, `content_filter`")
    usage: bool = Field(default=True, description="Whether it says what it took, if it is asked to")
    status: int = Field(default=200, description="Of the answer; another than 200 is an error")
    code: str | None = Field(default=None, description="Of the error, like `context_length_exceeded`")
    retry_after: int | None = Field(default=None, description="Seconds that it says with the error")


class ChatModel:
    """The model: its script, and what it was asked."""

    def __init__(self) -> None:
        self.script = Script()
        self.calls: list[dict[str, Any]] = []

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                *(Route(path, self._complete, methods=["POST"]) for path in PATHS),
                Route("/_local/script", self._set_script, methods=["POST"]),
                Route("/_local/calls", self._tell, methods=["GET"]),
            ]
        )

    async def _set_script(self, request: Request) -> Response:
        self.script = Script.model_validate_json(await request.body())
        self.calls.clear()
        return Response(status_code=204)

    async def _tell(self, _request: Request) -> Response:
        return JSONResponse({"calls": self.calls})

    async def _complete(self, request: Request) -> Response:
        asked, script = await request.json(), self.script
        key = request.headers.get("authorization", "") or request.headers.get("api-key", "")
        call = {"model": asked["model"], "messages": asked["messages"], "key": key, "said": 0, "ended": False}
        self.calls.append(call)
        if script.status != 200:
            error = {"error": {"message": "As the script says", "type": "error", "code": script.code, "param": None}}
            headers = {"Retry-After": str(script.retry_after)} if script.retry_after is not None else {}
            return JSONResponse(error, script.status, headers)
        return StreamingResponse(_streamed(asked, script, call), media_type="text/event-stream")


async def _streamed(asked: dict[str, Any], script: Script, call: dict[str, Any]) -> AsyncIterator[bytes]:
    words = _words(asked["messages"][-1]["content"], script.words)
    most = asked.get("max_completion_tokens") or asked.get("max_tokens") or len(words)
    cut, due = words[:most], time.monotonic()
    for number, word in enumerate(cut):
        if script.broken_after == number:
            raise ConnectionAbortedError("the script breaks the answer off here")
        if script.silent_after == number:
            await asyncio.Event().wait()
        due += script.pause
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield _chunk(asked, [{"index": 0, "delta": {"content": word if number == 0 else f" {word}"}}])
        call["said"] = number + 1
    finish = script.finish if len(cut) == len(words) else "length"
    yield _chunk(asked, [{"index": 0, "delta": {}, "finish_reason": finish}])
    if script.usage and (asked.get("stream_options") or {}).get("include_usage"):
        given = sum(len(message["content"].split()) for message in asked["messages"])
        usage = {"prompt_tokens": given, "completion_tokens": len(cut), "total_tokens": given + len(cut)}
        yield _chunk(asked, [], usage)
    call["ended"] = True
    yield b"data: [DONE]\n\n"


def _words(question: str, count: int | None) -> list[str]:
    return question.split() if count is None else [f"word{number}" for number in range(count)]


def _chunk(asked: dict[str, Any], choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-local",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": asked["model"],
        "choices": choices,
        "usage": usage,
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


@contextmanager
def serve_in_thread(port: int = 0) -> Iterator[str]:
    """Serves on 127.0.0.1 in a thread of its own, and yields the URL it is reached at."""
    with serve(port, app=ChatModel().app()) as url:
        yield url
