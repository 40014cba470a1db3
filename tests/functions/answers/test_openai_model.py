"""How models are asked that speak OpenAI's chat completions."""

from __future__ import annotations

from typing import Any

import pytest

from functions.answers import openai_model
from functions.answers.model import Delta, Finished, ModelFailed, Piece, Used
from models.answers.offer import ConfiguredModel
from models.answers.request import PromptMessage
from tests.functions.answers.conftest import TheModel

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Identity:
    """Stands for the app's managed identity."""

    closed = False

    async def close(self) -> None:
        Identity.closed = True


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    scopes: list[str] = []

    def provider(_credential: Identity, scope: str) -> Any:
        scopes.append(scope)

        async def token() -> str:
            return f"token of {len(scopes)}"

        return token

    monkeypatch.setattr(openai_model, "DefaultAzureCredential", Identity)
    monkeypatch.setattr(openai_model, "get_bearer_token_provider", provider)
    return scopes


async def asked(key: str | None = None, **configured: Any) -> list[Piece]:
    model = openai_model.OpenAIModel("ours", ConfiguredModel(context_window=8000, **configured), key, patience=10.0)
    try:
        return [piece async for piece in model.stream([PromptMessage(role="user", content="Why me?")], 50)]
    finally:
        await model.close()


async def test_azure_is_asked_by_managed_identity(model: TheModel, model_url: str, identity: list[str]) -> None:
    pieces = await asked(endpoint=model_url, azure=True, deployment="chat")
    usage = {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert pieces == [Delta("Why"), Delta(" me?"), Finished("stop"), Used(usage)]
    (call,) = await model.calls()
    assert (call["model"], call["key"]) == ("chat", "Bearer token of 1")
    assert identity == ["https://cognitiveservices.azure.com/.default"]
    assert Identity.closed


async def test_others_are_asked_with_their_key_or_without_one(
    model: TheModel, model_url: str, identity: list[str]
) -> None:
    endpoint = f"{model_url}/v1"
    without_usage = await asked("our key", endpoint=endpoint, counts_by="max_tokens", reports_usage=False)
    assert without_usage == [Delta("Why"), Delta(" me?"), Finished("stop")]
    await asked(endpoint=endpoint)
    assert [call["key"] for call in await model.calls()] == ["Bearer our key", "Bearer none"]
    assert identity == []


async def test_an_endpoint_that_is_not_there_is_a_model_that_failed(unused_tcp_port: int) -> None:
    with pytest.raises(ModelFailed) as failed:
        await asked(endpoint=f"http://127.0.0.1:{unused_tcp_port}/v1")
    assert failed.value.slug == "model-failed"
