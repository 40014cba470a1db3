"""Models behind an endpoint that speaks OpenAI's chat completions: the one module that knows the SDK.

It takes seconds to import, so it is imported when a model is asked first. The SDK would try a call again by itself: it
is told not to, because a call that seems to have failed may have been answered, and paid for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import openai
from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

from functions.answers.model import Delta, Finished, ModelFailed, Piece, Used
from models.answers.offer import ConfiguredModel
from models.answers.request import PromptMessage

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"
AZURE_PATH = "/openai/v1"
NO_KEY = "none"
"""Endpoints of one's own may want no key; the SDK does."""


class OpenAIModel:
    """One configured model.

    Args:
        key: Its API key; None for Azure OpenAI by managed identity, and for endpoints that want none.
        patience: Seconds that it may say nothing.
    """

    def __init__(self, name: str, model: ConfiguredModel, key: str | None, patience: float) -> None:
        self._model = model
        self._deployment = model.deployment or name
        self._credential = DefaultAzureCredential() if model.azure and key is None else None
        token = get_bearer_token_provider(self._credential, AZURE_SCOPE) if self._credential else None
        is_resource = model.azure and not model.endpoint.endswith("/v1")
        self._client = openai.AsyncOpenAI(
            api_key=token or key or NO_KEY,
            base_url=model.endpoint + (AZURE_PATH if is_resource else ""),
            max_retries=0,
            timeout=patience,
        )

    async def stream(self, messages: Sequence[PromptMessage], max_tokens: int) -> AsyncGenerator[Piece]:
        asked: dict[str, Any] = {
            "model": self._deployment,
            "messages": [message.model_dump() for message in messages],
            "stream": True,
            self._model.counts_by: max_tokens,
        }
        if self._model.reports_usage:
            asked["stream_options"] = {"include_usage": True}
        try:
            async with await self._client.chat.completions.create(**asked) as chunks:
                async for chunk in chunks:
                    for piece in _pieces(chunk):
                        yield piece
        except openai.APIError as error:
            raise _failed(error) from error

    async def close(self) -> None:
        await self._client.close()
        if self._credential:
            await self._credential.close()


def _pieces(chunk: Any) -> list[Piece]:
    pieces: list[Piece] = []
    for choice in chunk.choices[:1]:
        if choice.delta and choice.delta.content:
            pieces.append(Delta(choice.delta.content))
        if choice.finish_reason:
            pieces.append(Finished(choice.finish_reason))
    if chunk.usage:
        pieces.append(Used(chunk.usage.model_dump(exclude_none=True)))
    return pieces


def _failed(error: openai.APIError) -> ModelFailed:
    """Why there is no answer, as far as the provider says so. Its words may quote the question: they are not told."""
    code = str(error.code or "")
    if isinstance(error, openai.APITimeoutError):
        return ModelFailed("model-slow")
    if code == "context_length_exceeded":
        return ModelFailed("too-long-for-model")
    if code in ("content_filter", "content_policy_violation"):
        return ModelFailed("answer-refused")
    status = getattr(error, "status_code", None)
    if status in (429, 503):
        return ModelFailed("model-busy", _seconds(error))
    return ModelFailed("model-failed")


def _seconds(error: openai.APIError) -> int | None:
    response = getattr(error, "response", None)
    said = response.headers.get("retry-after", "") if response is not None else ""
    return min(int(said), 3600) if said.isdigit() else None
