"""The models that answers can be asked of: as the operator configures them, and as clients see them."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models.core.document import Message
from models.core.values import Count
from models.usage.rates import PriceOverride

LOOPBACK = ("localhost", "127.0.0.1", "::1")

SAMPLE = "sample"
SAMPLE_MODEL = "sample:free"
"""The sample responder's name in turns: whatever ends so costs nothing."""


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.hostname and (parts.scheme == "https" or is_near)):
        raise ValueError("must be an address like https://host/v1; http is for this machine only")
    return value.rstrip("/")


class ConfiguredModel(BaseModel):
    """One model, as the setting MODELS has it by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="What speaks OpenAI's chat completions, up to `/v1`; of Azure OpenAI the resource's own address"
    )
    azure: bool = Field(
        default=False, description="Azure OpenAI, reached by managed identity, unless MODEL_KEYS has a key for it"
    )
    deployment: str | None = Field(
        default=None, min_length=1, max_length=256, description="What the endpoint calls it; its own name if absent"
    )
    title: str | None = Field(default=None, min_length=1, max_length=128, description="What people call it")
    context_window: int = Field(ge=256, le=10_000_000, description="Tokens of question, context and answer together")
    max_output_tokens: int = Field(default=4096, ge=1, le=1_000_000, description="Tokens of one answer at most")
    price: PriceOverride | None = Field(default=None, description="USD per million tokens; the price table's if absent")
    counts_by: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens", description="The parameter that the endpoint takes the longest answer by"
    )
    reports_usage: bool = Field(default=True, description="Whether it takes `stream_options.include_usage`")


SAMPLE_OFFER = ConfiguredModel(
    endpoint="http://localhost", title="Sample answers", context_window=128_000, max_output_tokens=1024
)


class ModelPrice(Message):
    """USD per million tokens, at the prices of now."""

    input: float = Field(description="Of uncached input")
    output: float = Field(description="Of the answer")


class ModelOffer(Message):
    """A model that answers can be asked of."""

    name: str = Field(description="As `model` of an answer names it")
    title: str = Field(description="What people call it")
    context_window: Count = Field(description="Tokens of question, context and answer together")
    max_output_tokens: Count = Field(description="Tokens of one answer at most")
    price_usd_per_million: ModelPrice | None = Field(description="null where it has no price")
    is_default: bool = Field(description="Whether it answers where none is named")
    is_sample: bool = Field(
        description="No model is configured: it answers with a text that says so, whatever it is asked"
    )
    runs_tools: Literal[False] = Field(default=False, description="No model is given tools here")


class ModelOffers(Message):
    """The models that there are, the default first."""

    items: list[ModelOffer]
