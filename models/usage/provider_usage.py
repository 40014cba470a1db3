"""A provider's own usage object, read as it comes: token counts as fields of a turn, each token counted once.

OpenAI (chat, responses, realtime) and who speaks like it, Anthropic, Gemini, Bedrock (Converse, and the headers and
metrics of InvokeModel), Cohere, Ollama, LangChain and the AI SDK name the same things differently, and differ in
whether cached tokens are among the input and reasoning among the output. Names are first brought to one spelling; then
the shape, and where it leaves that open the total, say what is inside of what. No count is ever negative.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

_INPUT = ("prompt_tokens", "input_tokens", "input_text_tokens", "prompt_eval_count")
_OUTPUT = (
    "completion_tokens",
    "output_tokens",
    "candidates_tokens",
    "response_tokens",
    "generation_tokens",
    "output_text_tokens",
    "eval_count",
)
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_OUTPUT_DETAILS = (
    "completion_tokens_details",
    "output_tokens_details",
    "candidates_tokens_details",
    "response_tokens_details",
)
_CACHED = (
    "cache_read_input_tokens",
    "cached_content_tokens",
    "cached_input_tokens",
    "cache_read_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read",
)
_WRITTEN = (
    "cache_creation_input_tokens",
    "cache_write_input_tokens",
    "cache_write_tokens",
    "cache_creation_tokens",
    "cache_creation",
)
_REASONING = ("reasoning_tokens", "thinking_tokens", "reasoning")
_AUDIO = ("audio_tokens", "audio")
_CACHED_AUDIO = ("cached_tokens_details", "cache_tokens_details")
_OUTSIDE = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_write_input_tokens")
"""With `input_tokens` beside them (Anthropic, Bedrock) these are not among the input."""

_WRAPPERS = (
    "usage",
    "usage_metadata",
    "token_usage",
    "response",
    "message",
    "amazon_bedrock_invocation_metrics",
    "tokens",
    "billed_units",
    "meta",
    "response_metadata",
    "http_headers",
    "headers",
    "metadata",
)
"""What usage may lie in, when the whole answer of a provider is sent, or a part of its stream."""

_TIERS = {"flex", "priority", "fast", "batch"}
_TICKS_PER_USD = 10_000_000_000  # x.ai's unit
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class ReportedUsage:
    """What a usage object says.

    Attributes:
        counts: Tokens by the fields of a turn, those that are 0 left out.
        service_tier: `flex`, `priority`, `fast` or `batch`; None for the standard one.
        cost_usd: What the provider says that it cost.
        oddities: What was in it that is no count, by its name.
    """

    counts: dict[str, int]
    service_tier: str | None = None
    cost_usd: float | None = None
    oddities: tuple[str, ...] = ()


@dataclass
class _Reader:
    """Looks counts up in one object, whose names are in one spelling."""

    content: Json
    oddities: list[str] = field(default_factory=list)

    def count(self, *names: str, within: tuple[str, ...] = ()) -> int:
        """The largest of what these names have: where there are several, they say the same."""
        places: list[Json] = [self.content] if not within else list(self._parts(within))
        return max((self._whole(name, place.get(name)) for place in places for name in names), default=0)

    def first(self, *names: str) -> int:
        return next((self._whole(name, self.content[name]) for name in names if self._is_count(name)), 0)

    def has(self, *names: str) -> bool:
        return any(self._is_count(name) for name in names)

    def _is_count(self, name: str) -> bool:
        value = self.content.get(name)
        return value is not None and not isinstance(value, (Mapping, list))

    def _parts(self, names: tuple[str, ...]) -> Iterator[Json]:
        for name in names:
            part = self.content.get(name)
            if isinstance(part, Mapping):
                yield part

    def _whole(self, name: str, value: Any) -> int:
        if value is None or isinstance(value, (Mapping, list)):
            return 0
        number = _number(value)
        if number is None or number < 0:
            self.oddities.append(name)
            return 0
        return int(number)


def read_usage(usage: Any, provider: str | None = None) -> ReportedUsage | None:
    """What a usage object says; None if there are no token counts in it.

    Args:
        usage: As the provider sent it, or the whole answer that it came in.
        provider: Whose it is, where its shape leaves that open.
    """
    found = _within(_spelled(usage), depth=4)
    if found is None:
        return None
    content, around = found
    reader = _Reader(content)
    counts = _input(reader, provider or "") | _output(reader)
    return ReportedUsage(
        counts={name: count for name, count in counts.items() if count},
        service_tier=_tier(content) or _tier(around),
        cost_usd=_cost(content) if _cost(content) is not None else _cost(around),
        oddities=tuple(dict.fromkeys(reader.oddities)),
    )


def _within(content: Any, depth: int) -> tuple[Json, Json] | None:
    """The object that has counts, and the outermost one around it."""
    if not isinstance(content, Mapping) or depth == 0:
        return None
    if _Reader(content).has(*_INPUT, *_OUTPUT):
        return content, content
    for name in _WRAPPERS:
        inner = _within(content.get(name), depth - 1)
        if inner is not None:
            return inner[0], content
    return None


def _input(reader: _Reader, provider: str) -> dict[str, int]:
    given = reader.first(*_INPUT)
    cached = max(reader.count(*_CACHED), reader.count(*_CACHED, within=_INPUT_DETAILS))
    hour = max(reader.count("ephemeral_1h_input_tokens", within=("cache_creation",)), _by_ttl(reader, "1h"))
    minutes = max(reader.count("ephemeral_5m_input_tokens", within=("cache_creation",)), _by_ttl(reader, "5m"))
    written = max(reader.count(*_WRITTEN), reader.count(*_WRITTEN, within=_INPUT_DETAILS), hour + minutes)
    audio = max(reader.count("input_audio_tokens"), reader.count(*_AUDIO, within=_INPUT_DETAILS))
    audio -= min(audio, _cached_audio(reader))
    of_cache = cached + written
    if not _is_outside(reader, provider, given, of_cache):
        given -= of_cache
    given += reader.count("tool_use_prompt_tokens")
    audio = min(audio, given)
    return {
        "input_tokens": given - audio,
        "cached_input_tokens": cached,
        "cache_write_5m_tokens": written - hour,
        "cache_write_1h_tokens": hour,
        "input_audio_tokens": audio,
    }


def _is_outside(reader: _Reader, provider: str, given: int, of_cache: int) -> bool:
    """Whether tokens read from caches and written to them are not among the input."""
    if of_cache > given:
        return True
    named = provider.lower()
    if any(name in named for name in ("anthropic", "bedrock", "aws")) and not reader.has("prompt_tokens"):
        return True
    if reader.has(*_OUTSIDE) and not reader.has("prompt_tokens") and not isinstance(_details(reader), Mapping):
        return True
    total, output = reader.count("total_tokens"), reader.first(*_OUTPUT)
    return of_cache > 0 and total == given + of_cache + output


def _details(reader: _Reader) -> Any:
    return next((reader.content[name] for name in _INPUT_DETAILS if reader.content.get(name)), None)


def _cached_audio(reader: _Reader) -> int:
    beside = reader.count(*_AUDIO, within=_CACHED_AUDIO)
    details = _details(reader)
    return max(beside, _Reader(details).count(*_AUDIO, within=_CACHED_AUDIO) if isinstance(details, Mapping) else 0)


def _by_ttl(reader: _Reader, ttl: str) -> int:
    entries = reader.content.get("cache_details")
    if not isinstance(entries, list):
        return 0
    return sum(_Reader(entry).count("input_tokens") for entry in entries if entry.get("ttl") == ttl)


def _output(reader: _Reader) -> dict[str, int]:
    output = reader.first(*_OUTPUT)
    thoughts = reader.count("thoughts_tokens")
    reasoning = max(reader.count(*_REASONING), reader.count(*_REASONING, within=_OUTPUT_DETAILS))
    audio = max(reader.count("output_audio_tokens"), reader.count(*_AUDIO, within=_OUTPUT_DETAILS))
    total, given = reader.count("total_tokens"), reader.first(*_INPUT)
    if reasoning <= output and not (reasoning and total == given + output + reasoning):
        output -= reasoning
    audio = min(audio, output)
    return {
        "output_tokens": output - audio,
        "reasoning_tokens": max(reasoning, thoughts),
        "output_audio_tokens": audio,
    }


def _tier(content: Json) -> str | None:
    if content.get("speed") == "fast":
        return "fast"
    for name in ("service_tier", "traffic_type"):
        tier = content.get(name)
        if isinstance(tier, str) and (known := tier.lower().rpartition("_")[2]) in _TIERS:
            return known
    return None


def _cost(content: Json) -> float | None:
    """USD, as OpenRouter, LiteLLM, Perplexity and x.ai say it."""
    cost = content.get("cost")
    candidates = (
        cost.get("total_cost") if isinstance(cost, Mapping) else cost,
        content.get("cost_usd"),
        content.get("total_cost"),
        content.get("response_cost"),
    )
    for candidate in candidates:
        usd = _number(candidate)
        if usd is not None and usd >= 0:
            return usd
    ticks = _number(content.get("cost_in_usd_ticks"))
    return ticks / _TICKS_PER_USD if ticks is not None and ticks >= 0 else None


def _number(value: Any) -> float | None:
    """A finite number, also as headers have it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _spelled(content: Any, depth: int = 8) -> Any:
    """The same with its names in one spelling: `promptTokenCount`, `x-amzn-bedrock-input-token-count` in snake case.

    Gemini's lists of modalities become objects, as others have them.
    """
    if depth == 0:
        return None
    if isinstance(content, Mapping):
        return {_name(str(name)): _spelled(value, depth - 1) for name, value in content.items()}
    if isinstance(content, list):
        parts = [_spelled(part, depth - 1) for part in content if isinstance(part, Mapping)]
        modes = {str(part["modality"]).lower(): part.get("tokens") for part in parts if "modality" in part}
        return modes or parts
    return content


def _name(name: str) -> str:
    snake = _CAMEL.sub("_", name).replace("-", "_").lower().removeprefix("x_amzn_bedrock_")
    for ending in ("_token_count", "_tokens_count"):
        if snake.endswith(ending):
            snake = snake.removesuffix(ending) + "_tokens"
    return "tokens" if snake == "token_count" else snake.replace("token_details", "tokens_details")
