"""Counts of requests by kind, for tests and benchmarks that must know how much was asked of the database."""

from dataclasses import dataclass
from typing import Any

from local.cosmosdb.messages import Reply


@dataclass(slots=True)
class _Counter:
    count: int = 0
    request_charge: float = 0.0


class RequestCounters:
    """What was asked since the start or the last reset, refusals included."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str, bool], _Counter] = {}

    def add(self, reply: Reply) -> None:
        counter = self._counters.setdefault((reply.operation, reply.container, reply.cross_partition), _Counter())
        counter.count += 1
        counter.request_charge += reply.charge

    def add_refusal(self, status: int, container: str) -> None:
        """Count what was not done, as operation `error_` and its status."""
        self.add(Reply(status, f"error_{status}", container=container))

    def reset(self) -> None:
        self._counters.clear()

    def report(self) -> list[dict[str, Any]]:
        """Rows with operation, container (its id or ""), cross_partition, count and request_charge in RU."""
        return [
            {
                "operation": operation,
                "container": container,
                "cross_partition": cross_partition,
                "count": counter.count,
                "request_charge": round(counter.request_charge, 2),
            }
            for (operation, container, cross_partition), counter in sorted(self._counters.items())
        ]
