"""ORDER BY: what it may order by, and which way."""

from typing import Final

from . import nodes
from .errors import QueryError
from .nodes import Select

_SCORES: Final = {"VECTORDISTANCE", "_FULLTEXTSCORE"}


def is_score(item: nodes.OrderItem) -> bool:
    """Whether the item is a vector distance or a text score, which no index has in order."""
    return isinstance(item.value, nodes.Call) and item.value.name.upper() in _SCORES


def is_non_streaming(query: Select) -> bool:
    """Whether partitions must be read to their ends before the first row is known."""
    return any(map(is_score, query.order_by))


def is_ascending(item: nodes.OrderItem) -> bool:
    """Whether the smallest comes first. Vectors come with the most similar first, whatever the function calls it."""
    if item.direction or not isinstance(item.value, nodes.Call):
        return item.direction != "DESC"
    return any(_is_euclidean(argument) for argument in item.value.arguments)


def _is_euclidean(argument: nodes.Expression) -> bool:
    if not isinstance(argument, nodes.ObjectLiteral):
        return False
    wanted = nodes.Literal("euclidean")
    return any(key == "distanceFunction" and value == wanted for key, value in argument.properties)


def check_order_by(query: Select, *, on_paths: bool) -> None:
    """Raises QueryError for what no index could order: anything but paths of the documents, or scores."""
    if not query.order_by or query.rank or on_paths or all(map(is_score, query.order_by)):
        return
    message = "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
    raise QueryError("SC2206", message)
