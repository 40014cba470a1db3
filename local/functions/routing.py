"""Finds the function for a request.

As on the real host (Azure/azure-functions-host#9876), routes are tried in the order of the functions' names, ignoring
case: a literal has no precedence over a parameter. `Router.surprises` says where a route is hidden by a less specific
one, so that functions can be given names or constraints with which both are reached.

A route whose path matches but whose methods do not is no match, and a request without a match is a 404, never a 405;
this is how the real host answers (Azure/azure-functions-host#10098).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from local.functions.errors import FunctionLoadError, for_each
from local.functions.indexing import IndexedFunction
from local.functions.route_template import Parameter, RouteTemplate, Segment, parse_template


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP function at its template, which includes the prefix; no methods means all of them."""

    function: IndexedFunction
    template: RouteTemplate
    methods: frozenset[str]

    def accepts(self, method: str) -> bool:
        return not self.methods or method.upper() in self.methods

    def shares_a_method_with(self, other: "Route") -> bool:
        return not self.methods or not other.methods or bool(self.methods & other.methods)


class Router:
    """The routes of an app's HTTP functions."""

    def __init__(self, functions: Iterable[IndexedFunction], prefix: str) -> None:
        """Raises `AppLoadError` for malformed, reserved or twice defined routes."""
        triggered = [function for function in functions if function.trigger.type == "httpTrigger"]
        routes = for_each(lambda function: _route(function, prefix), triggered)
        for one, other in combinations(routes, 2):
            if one.template.text.lower() == other.template.text.lower() and one.shares_a_method_with(other):
                raise FunctionLoadError(
                    other.function.name,
                    f"the route specified conflicts with the route defined by function '{one.function.name}'.",
                )
        self.routes: Sequence[Route] = sorted(routes, key=lambda route: route.function.name.upper())
        self.surprises = _surprises(self.routes)
        self._depth = len([segment for segment in prefix.split("/") if segment])
        literals = {_literal_at(route, self._depth) for route in self.routes} - {None}
        self._rooms = {literal: self._room(literal) for literal in literals}
        self._elsewhere = self._room(None)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route for a request and the values of its parameters; `path` is normal, and starts with a slash."""
        bare = path[1:]
        segments = bare.split("/", self._depth + 1)
        literal = segments[self._depth].lower() if len(segments) > self._depth else None
        for route in self._rooms.get(literal, self._elsewhere):
            if route.accepts(method):
                values = route.template.match(bare)
                if values is not None:
                    return route, values
        return None

    def _room(self, literal: str | None) -> list[Route]:
        """The routes to try for paths that have `literal` behind the prefix: those that have it, or a parameter."""
        return [route for route in self.routes if _literal_at(route, self._depth) in (None, literal)]


def _literal_at(route: Route, index: int) -> str | None:
    """The text of a route's segment, in lower case; None if it has a parameter there, or no such segment."""
    segments = route.template.segments
    if len(segments) <= index or len(segments[index]) != 1 or not isinstance(segments[index][0], str):
        return None
    return str(segments[index][0]).lower()


def _route(function: IndexedFunction, prefix: str) -> Route:
    properties = function.trigger.properties
    own = str(properties.get("route") or function.name)
    if prefix and own.startswith("/"):
        raise FunctionLoadError(
            function.name,
            f"its route '{own}' starts with a slash, which the real host does not start with unless the routePrefix "
            'in host.json is "".',
        )
    own = own.strip("/")
    if own.lower().startswith(("admin", "runtime")):
        raise FunctionLoadError(
            function.name, "the specified route conflicts with one or more built in routes ('admin', 'runtime')."
        )
    try:
        template = parse_template(f"{prefix}/{own}")
    except ValueError as error:
        raise FunctionLoadError(function.name, f"its route is wrong: {error}.") from error
    return Route(function, template, frozenset(str(method).upper() for method in properties.get("methods") or ()))


def _surprises(routes: Sequence[Route]) -> list[str]:
    """A sentence for each pair of routes that one request can match, and the less specific of which is tried first."""
    return [
        f"'{first.template.text}' ({first.function.name}) and '{second.template.text}' ({second.function.name}) match "
        f"the same paths. Functions are tried in the order of their names, so {first.function.name} answers; "
        "rename one, or constrain its parameters."
        for first, second in combinations(routes, 2)
        if second.template.precedence < first.template.precedence
        and first.shares_a_method_with(second)
        and _overlap(first.template.segments, second.template.segments)
    ]


def _overlap(one: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """Whether some path can match both; constraints are only tested against literal segments."""
    if not one or not other:
        return all(_skippable(segment) for segment in (*one, *other))
    if _catches_all(one[0]) or _catches_all(other[0]):
        return True
    if _compatible(one[0], other[0]) and _overlap(one[1:], other[1:]):
        return True
    return all(_skippable(segment) for segment in (*one, *other))


def _skippable(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].may_be_absent


def _catches_all(segment: Segment) -> bool:
    return isinstance(segment[0], Parameter) and segment[0].is_catch_all


def _compatible(one: Segment, other: Segment) -> bool:
    for text, pattern in ((one, other), (other, one)):
        if len(text) == 1 and isinstance(text[0], str):
            return _segment_accepts(pattern, text[0])
    return True


def _segment_accepts(segment: Segment, text: str) -> bool:
    if len(segment) == 1 and isinstance(segment[0], Parameter):
        return all(constraint(text) for constraint in segment[0].constraints)
    if len(segment) == 1:
        return str(segment[0]).lower() == text.lower()
    return True
