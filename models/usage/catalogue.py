"""Which model of the price table a name means: the same for all spellings, and no other model's.

The package's rules match beginnings and parts of names, so that `gemini-1.5-flash-8b` would be a `gemini-1.5-flash`.
Here what a rule leaves over has to be a version, a date or a region: else the name is of another model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseOr,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    Provider,
)

from models.usage.model_names import CLOUDS, ModelName, parsed

MAX_CANONICAL_LENGTH = 64
"""Turns are counted by it."""

_REMEMBERED = 1024
_PASSES_ON = CLOUDS | {"openrouter"}
"""Who sells the models of others at their makers' prices, where it does not list its own."""

_PROVIDERS = {provider.id: provider for provider in providers}
_PATH_BEFORE = re.compile(r"(?:[\w-]+[./])*")
_VERSION = (
    r"20\d{2}-?\d{2}-?\d{2}|\d{2}-20\d{2}|\d{2}-\d{2}|\d{4}|\d{3}|v\d+(?::\d+)?|latest|default|stable|preview|exp|it"
)
_VERSION_AFTER = re.compile(rf"(?:[-@.]?(?:{_VERSION})|[.:]\d)*")
_DATED = re.compile(r"(?:[-@](?:20\d{2}-?\d{2}-?\d{2}|\d{2}-20\d{2}|\d{4}|\d{3}|v\d+|latest|default|stable))+$")
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
_WORDS = re.compile(r"[a-z]+|\d+[a-z]*")


@dataclass(frozen=True)
class Offer:
    """A model in somebody's list of prices. `at_home`: asked of whoever's list it is, whose service tiers then hold."""

    provider: str
    model: ModelInfo
    at_home: bool


@dataclass(frozen=True)
class Listing:
    """What a name means.

    Attributes:
        canonical: The one name of the model; of one that is in no list the name itself, without who serves it.
        offers: Whose price it has, to be asked in this order; none for a model without a list price.
        free: Whether it is given away.
    """

    canonical: str
    offers: tuple[Offer, ...]
    free: bool


@lru_cache(_REMEMBERED)  # bounded: the names come from clients
def listing(name: str, provider: str | None = None) -> Listing:
    """What `name` means, served by `provider` where that is known besides."""
    known = parsed(name, provider)
    made = None if known.own else _made(known)
    offers = () if known.own else tuple({(one.provider, one.model.id): one for one in _offers(known, made)}.values())
    return Listing(_canonical(known, made), offers, known.free)


def _canonical(name: ModelName, made: Offer | None) -> str:
    if made is None:
        return name.model[-MAX_CANONICAL_LENGTH:].strip() or name.model[:1]
    maker = _PROVIDERS[made.provider]
    same = next((one for one in maker.models if _words(one.id) == _words(made.model.id)), made.model)
    canonical = _of_list(maker, same)
    return f"ft:{canonical}"[:MAX_CANONICAL_LENGTH] if name.tuned and not canonical.startswith("ft:") else canonical


def _of_list(maker: Provider, model: ModelInfo) -> str:
    """A model's id in its maker's list, without a cloud's additions, and without `-latest` where that says nothing."""
    name = parsed(model.id).model if model.id.partition(".")[2] else model.id.lower()
    name = name.rpartition("/")[2].rstrip("-")
    short = name.removesuffix("-latest")
    found = _find(maker, ModelName(short, short))
    return (short if found is not None and found.id == model.id else name)[:MAX_CANONICAL_LENGTH]


def _made(name: ModelName) -> Offer | None:
    """The model in its maker's own list."""
    if name.maker is not None:
        makers = [_PROVIDERS[name.maker]]
    else:
        makers = [one for one in providers if one.model_match and one.model_match.is_match(name.model)]
        makers.append(_PROVIDERS[name.host or "openai"])
    for maker in makers:
        found = _find(maker, name)
        if found is not None:
            return Offer(maker.id, found, at_home=name.host in (None, maker.id))
    return None


def _offers(name: ModelName, made: Offer | None) -> Iterator[Offer]:
    host = _PROVIDERS.get(name.host or "")
    if host is not None:
        for provider in (host, *(_PROVIDERS[other] for other in host.fallback_model_providers or ())):
            found = _find(provider, name)
            if found is not None:
                yield Offer(host.id if provider is host else provider.id, found, at_home=provider is host)
    if made is not None and (host is None or host.id in _PASSES_ON or host.id == made.provider):
        yield made


def _find(provider: Provider, name: ModelName) -> ModelInfo | None:
    """The model in a provider's list: as it is spelled; without its version; or of the same words in another order."""
    exact = dict.fromkeys(_spellings(name))
    undated = dict.fromkeys(_DATED.sub("", spelling) for spelling in exact)
    for spelling in (*exact, *undated):
        for model in provider.models:
            if _means(model.match, spelling):
                return model
    words = {_words(spelling) for spelling in undated}
    return next((model for model in provider.models if _words(model.id) in words), None)


def _spellings(name: ModelName) -> Iterator[str]:
    dashed = name.model.replace("@", "-")
    models = (name.model, dashed, _COMPACT_DATE.sub(r"-\1-\2-\3", dashed))
    if name.tuned:
        yield from (f"ft:{model}" for model in models)
    yield name.listed
    yield from models
    if ":" in name.listed:
        yield name.listed.partition(":")[0]
    if name.host == "aws":
        yield from (f"amazon.{name.model}", f"{name.maker}-{name.model}")


def _means(clause: MatchLogic, name: str) -> bool:
    """Whether a rule matches a name, and leaves over nothing that makes it another model."""
    match clause:
        case ClauseOr():
            return any(_means(part, name) for part in clause.or_)
        case ClauseAnd():
            return all(_means(part, name) for part in clause.and_)
        case ClauseStartsWith(starts_with=text) | ClauseEndsWith(ends_with=text) | ClauseContains(contains=text):
            before, found, after = name.partition(text.lower())
            return bool(
                found and clause.is_match(name) and _PATH_BEFORE.fullmatch(before) and _VERSION_AFTER.fullmatch(after)
            )
        case _:
            return clause.is_match(name)


def _words(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A name's words in any order, and its numbers in theirs: `claude-3.7-sonnet` and `claude-sonnet-3-7` are one."""
    parts = _WORDS.findall(name.lower())
    return tuple(sorted(part for part in parts if part.isalpha())), tuple(part for part in parts if not part.isalpha())
