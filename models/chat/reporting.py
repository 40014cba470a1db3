"""A turn as clients report it: read in its nearest valid form, with its tokens from the provider's own usage object.

A recorder of usage loses no usage. What is odd in a turn is mended, and the turn says what was changed; only what can't
be counted is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from models.chat.interaction import Turn
from models.core.nearest import Adjusted, nearest
from models.usage.provider_usage import ReportedUsage, read_usage
from models.usage.token_usage import FIELDS

T = TypeVar("T", bound=Turn)


def reported(model: type[T], content: Any) -> T:
    """The turn that `content` reports, with what was changed in its `adjusted`.

    Raises:
        pydantic.ValidationError: it can't be counted.
    """
    adjusted: Adjusted = {}
    if isinstance(content, Mapping):
        content = _with_counts(dict(content), adjusted)
    return nearest(model, content, adjusted).with_adjusted(adjusted)


def _with_counts(content: dict[str, Any], adjusted: Adjusted) -> dict[str, Any]:
    """The turn with the counts of its usage object, if there are any in it; they go before what else it says."""
    if "usage" not in content:
        return content
    provider = content.get("provider")
    usage = read_usage(content.pop("usage"), provider if isinstance(provider, str) else None)
    if usage is None:
        adjusted["usage"] = "no token counts were found in it"
        return content
    if usage.oddities:
        adjusted["usage"] = "no counts, taken for 0: " + ", ".join(name[:64] for name in usage.oddities[:8])
    counts = {field: usage.counts.get(field, 0) for field in FIELDS}
    for field in counts.keys() & content.keys():
        if content[field] != counts[field]:
            adjusted[field] = "taken from usage"
    return _with_rest(content | counts, usage)


def _with_rest(content: dict[str, Any], usage: ReportedUsage) -> dict[str, Any]:
    """The service tier and the cost, where the turn does not say them itself."""
    found = {"service_tier": usage.service_tier, "reported_cost_usd": usage.cost_usd}
    return content | {name: value for name, value in found.items() if value is not None and content.get(name) is None}
