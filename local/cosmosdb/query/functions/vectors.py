"""VECTORDISTANCE. The container's vector policy is not known here: the distance function is cosine unless given."""

import math
from collections.abc import Callable
from operator import mul
from typing import Final

from ..values import JSON, UNDEFINED, Value, is_number, number
from .registry import builtin


def _dot_product(left: list[float], right: list[float]) -> float:
    return math.fsum(map(mul, left, right))


def _cosine(left: list[float], right: list[float]) -> float:
    size = math.hypot(*left) * math.hypot(*right)
    return _dot_product(left, right) / size if size else 0.0


_DISTANCES: Final[dict[str, Callable[[list[float], list[float]], float]]] = {
    "cosine": _cosine,
    "dotproduct": _dot_product,
    "euclidean": math.dist,
}


@builtin("VECTORDISTANCE", "aa?bo")
def vector_distance(
    left: list[JSON], right: list[JSON], brute_force: bool = False, options: dict[str, JSON] | None = None
) -> Value:
    """The similarity (cosine, dot product) or distance (Euclidean) of two vectors of the same length."""
    distance = _DISTANCES.get(str((options or {}).get("distanceFunction", "cosine")).lower())
    if distance is None or len(left) != len(right) or not left or not all(map(is_number, [*left, *right])):
        return UNDEFINED
    return number(distance(left, right))
