"""Faults on purpose: rules that make some requests fail as they sometimes do in the service, or before or after it.

A rule is a JSON object:

- `fault`: 429, 449, 503 or 408, which are answered with nothing done; `drop_before` or `drop_after`, which close the
  connection without an answer before or after the request has been carried out; `latency`, which makes it wait;
  `split`, which splits the physical partition that it goes to, before it is carried out.
- `operation`: one or a list of the operations that the request counters know, and `container`, by its id; without
  them all requests match, those for the account and its containers too.
- Which of the matching requests are struck: a `share` (0 to 1) of them at random, the same for the same `seed`; only
  the `nth`; or `every` n-th; else all. At most `times`.
- `retry_after_ms` for 429 (default 10), `latency_ms` for `latency` (default 100); an `id` to find it by.

Rules are tried in their order. `latency` and `split` let the request go on to the following rules; of the others the
first that strikes ends it.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.operations import OPERATIONS

DROP_BEFORE, DROP_AFTER, LATENCY, SPLIT = "drop_before", "drop_after", "latency", "split"
_THROTTLED = 429
_DEFAULT_RETRY_AFTER_MS = 10
_DEFAULT_LATENCY_MS = 100
_THROTTLING = (
    "Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later."
)
ANSWERS: Mapping[int, tuple[int, str]] = {
    408: (0, "Request timed out. More info: https://aka.ms/cosmosdb-tsg-request-timeout"),
    429: (3200, f"{_THROTTLING} Learn more: http://aka.ms/cosmosdb-error-429"),
    449: (0, "Conflicting request to resource has been attempted. Retry to avoid conflicts."),
    503: (0, "Service is currently unavailable. More info: https://aka.ms/cosmosdb-tsg-service-unavailable"),
}
FAULTS = (*ANSWERS, DROP_BEFORE, DROP_AFTER, LATENCY, SPLIT)


@dataclass(slots=True)
class Rule:
    """A rule, as it was given, and how often it matched and struck so far."""

    given: Mapping[str, Any]
    chance: random.Random
    matched: int = 0
    struck: int = 0

    @property
    def fault(self) -> Any:
        return self.given["fault"]

    @property
    def latency_seconds(self) -> float:
        return float(self.given.get("latency_ms", _DEFAULT_LATENCY_MS)) / 1000

    def report(self) -> dict[str, Any]:
        return {**self.given, "matched": self.matched, "struck": self.struck}

    def concerns(self, operation: str, container: str) -> bool:
        wanted = self.given.get("operation", operation)
        return operation in ([wanted] if isinstance(wanted, str) else wanted) and (
            self.given.get("container", container) == container
        )

    def strikes(self) -> bool:
        """Whether the matching request that has come now is one to strike."""
        self.matched += 1
        if self.struck >= self.given.get("times", self.matched):
            return False
        if "share" in self.given and self.chance.random() >= self.given["share"]:
            return False
        if self.matched != self.given.get("nth", self.matched) or self.matched % self.given.get("every", 1):
            return False
        self.struck += 1
        return True


def parse_rule(given: Any) -> Rule:
    """Raises CosmosError 400, which says what is wrong with it."""
    if not isinstance(given, dict):
        raise bad_request("A rule must be an object.")
    for name, value in given.items():
        check = _FIELDS.get(name)
        if check is None:
            raise bad_request(f"A rule has no '{name}'; it has {', '.join(_FIELDS)}.")
        if not check(value):
            raise bad_request(f"The value {value!r} of '{name}' is not valid in a rule.")
    if "fault" not in given:
        raise bad_request(f"A rule needs a 'fault': one of {', '.join(map(str, FAULTS))}.")
    if sum(name in given for name in ("share", "nth", "every")) > 1:
        raise bad_request("A rule has one of 'share', 'nth' and 'every'.")
    return Rule(given, random.Random(given.get("seed", 0)))  # noqa: S311 - to be repeatable


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_milliseconds(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_operation(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    return isinstance(names, list) and bool(names) and OPERATIONS.issuperset(map(str, names))


_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "id": lambda value: isinstance(value, str),
    "fault": lambda value: value in FAULTS,
    "operation": _is_operation,
    "container": lambda value: isinstance(value, str),
    "share": lambda value: type(value) in (int, float) and 0 <= value <= 1,
    "seed": lambda value: type(value) is int,
    "nth": _is_count,
    "every": _is_count,
    "times": _is_count,
    "retry_after_ms": _is_milliseconds,
    "latency_ms": _is_milliseconds,
}


@dataclass
class FaultRules:
    """The rules in force, in order."""

    rules: list[Rule] = field(default_factory=list)

    def struck(self, operation: str, container: str) -> Iterator[Rule]:
        """Those that strike a request, one after the other, up to one that ends it."""
        for rule in self.rules:
            if rule.concerns(operation, container) and rule.strikes():
                yield rule
                if rule.fault not in (LATENCY, SPLIT):
                    return


def answer(rule: Rule) -> CosmosError:
    """What a request that is to fail is answered."""
    sub_status, message = ANSWERS[rule.fault]
    headers = {}
    if rule.fault == _THROTTLED:
        headers["x-ms-retry-after-ms"] = str(rule.given.get("retry_after_ms", _DEFAULT_RETRY_AFTER_MS))
    return CosmosError(rule.fault, message, sub_status=sub_status, headers=headers)
