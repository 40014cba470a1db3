"""What a model's name says, however its provider, cloud, gateway or tool spells it.

A name is taken apart: who serves the model (`azure/…`, `openai:…`, an ARN of Bedrock, `publishers/…/models/…`), who
made it (`us.anthropic.…`, `anthropic/…`), and the model itself, with or without a version. Nothing here knows prices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated

from genai_prices.data import providers
from genai_prices.data_snapshot import find_provider_by_id
from pydantic import StringConstraints

from models.core.values import NotBlank

MAX_MODEL_NAME_LENGTH = 2048
"""An ARN's. Longer names are nobody's model."""

ModelReference = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MODEL_NAME_LENGTH), NotBlank
]
"""A model's name, as whoever calls it spells it."""

CLOUDS = frozenset({"aws", "azure", "google"})
"""Who serves models of others: between its name and the model's stand regions and modes, as in `azure/eu/…`."""

_ALIASES = {
    "azure_ai": "azure",
    "azure-ai": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "azureopenai": "azure",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "togetherai": "together",
    "together.ai": "together",
    "x_ai": "x-ai",
    "z-ai": "zai",
    "z_ai": "zai",
    "kimi": "moonshotai",
    "zhipu": "zhipuai",
    "workers-ai": "cloudflare",
}
"""Names of providers that the price table does not know by itself."""

_GATEWAYS = frozenset({"litellm", "litellm_proxy", "portkey", "helicone", "vercel", "gateway", "requesty", "langdock"})
"""What passes requests on, and bills what the provider bills."""

_VARIANTS = frozenset({"free", "nitro", "floor", "online", "beta", "thinking", "extended", "exacto"})
"""OpenRouter's ways to the same model, behind a colon. Anything else there is a tag of what somebody runs."""

_ARN = re.compile(r"^arn:aws[\w-]*:[\w-]+:[^:]*:[^:]*:(.+)$")
_VERTEX = re.compile(r"(?:^|/)publishers/([^/]+)/models/([^/]+)$")
_BEDROCK = re.compile(
    r"^(?:(?:[a-z]{2,8}|us-gov)\.)?(?P<maker>amazon|anthropic|meta|mistral|cohere|deepseek|ai21|openai|qwen|google"
    r"|nvidia|moonshotai|moonshot|zai|minimax|writer|xai)\.(?P<model>.+)$"
)
_BEDROCK_VERSION = re.compile(r"(?:-v\d+(?::\d+(?::[\w-]+)?)?|-?:\d+(?::[\w-]+)?)$")
_AZURE_TUNED = re.compile(r"^(.+)\.ft-[\w-]+$")
_MODEL_BEHIND_COLON = re.compile(r"^(?![vq]\d)[a-z]\w*(?:[-.:/]|\w*\d).*$")


@dataclass(frozen=True)
class ModelName:
    """A name, taken apart. All is in lower case.

    Attributes:
        model: The model, without whoever serves it, regions and ways to it.
        listed: The same as the host's own list has it.
        host: The provider that serves the model, by its id in the price table; None where the name does not say.
        maker: The provider that made it, likewise.
        free: Whether it is given away.
        tuned: Whether it is somebody's own, made from `model`.
        own: Whether it is run by whoever asks, or nobody can tell by whom: it has no list price.
    """

    model: str
    listed: str
    host: str | None = None
    maker: str | None = None
    free: bool = False
    tuned: bool = False
    own: bool = False


def parsed(name: str, provider: str | None = None) -> ModelName:
    """Takes a name apart.

    Args:
        provider: Who served it, where that is known besides the name.
    """
    text = name.strip().lower()
    if arn := _ARN.match(text):
        return _of_arn(arn[1])
    return _variant(_served(text, _provider(provider.strip().lower()) if provider else None))


def _of_arn(resource: str) -> ModelName:
    kind, _, rest = resource.partition("/")
    known = _bedrock(rest) if kind in ("foundation-model", "inference-profile", "default-prompt-router") else None
    return known or ModelName(resource, resource, host="aws", own=True)  # somebody's own: an alias tells what it is


def _served(text: str, host: str | None = None) -> ModelName:
    """The name behind those of whoever passes on, serves and makes the model."""
    if vertex := _VERTEX.search(text):
        return ModelName(vertex[2], vertex[2], host="google", maker=_provider(vertex[1]))
    if text.startswith(("accounts/fireworks/", "@cf/")):
        return ModelName(text.rpartition("/")[2], text, host="cloudflare" if text[0] == "@" else "fireworks")
    if bedrock := _bedrock(text):
        return bedrock
    text = text.removeprefix("models/").removeprefix("@")
    prefix, rest = _split(text)
    if not rest:
        return ModelName(text, text, host)
    if prefix in _GATEWAYS:
        return _served(rest, host)
    if (named := _provider(prefix)) is None:
        return ModelName(text if host is None else text.rpartition("/")[2], text, host, own=host is None)
    if host is not None and host not in (named, *CLOUDS):
        return replace(_behind(named, rest), host=host, listed=text, maker=named)
    return _behind(named, rest)


def _behind(named: str, rest: str) -> ModelName:
    """The name behind that of a provider, which serves the model or made it."""
    if named in CLOUDS:
        inner = _served(rest if _VERTEX.search(rest) else rest.rpartition("/")[2])
        return replace(inner, host=named, maker=inner.maker or (inner.host if inner.host != named else None))
    inner = _served(rest)
    return replace(inner, model=inner.model.rpartition("/")[2], listed=rest, host=named, maker=inner.host, own=False)


def _split(text: str) -> tuple[str, str]:
    """A name before another's slash or colon, as in `openai:gpt-4o`, and the other; else the whole, and nothing."""
    if "/" in text and "/" not in text.partition(":")[2]:
        prefix, _, rest = text.partition("/")
        return prefix, rest
    prefix, _, rest = text.partition(":")
    is_provider = not any(map(str.isdigit, prefix)) and _provider(prefix) is not None
    return (prefix, rest) if is_provider and _MODEL_BEHIND_COLON.match(rest) else (text, "")


def _bedrock(text: str) -> ModelName | None:
    if not (found := _BEDROCK.match(text)):
        return None
    model = _BEDROCK_VERSION.sub("", found["model"])
    return ModelName(model, text, host="aws", maker=_provider(found["maker"]))


def _variant(name: ModelName) -> ModelName:
    """What colons stand for: a fine-tuned model, a way to the same model, or a tag of what somebody runs."""
    if tuned := _AZURE_TUNED.match(name.model):
        return replace(name, model=tuned[1], tuned=True)
    model, _, tag = name.model.partition(":")
    if model == "ft":
        return replace(name, model=tag.partition(":")[0], tuned=True)
    if not tag:
        return name
    if tag in _VARIANTS:
        return replace(name, model=model, free=tag == "free")
    return replace(name, own=name.host is None or name.host == name.maker or name.maker is None)


def _provider(prefix: str) -> str | None:
    known = find_provider_by_id(providers, _ALIASES.get(prefix, prefix))
    return known.id if known else None
