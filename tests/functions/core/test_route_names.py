"""The Functions host tries routes in the order of the functions' names: whatever two could answer goes by that."""

from __future__ import annotations

from itertools import combinations
from uuid import UUID

import pytest

from functions.core.operation import Operation
from functions.core.unmatched import NAME
from local.functions.host import FunctionHost


@pytest.fixture(scope="module")
def operations(settings: dict[str, str]) -> list[Operation]:
    from function_app import DESCRIBED  # reads the settings, which must be there first

    return [operation for routes in DESCRIBED for operation in routes.operations]


def fits(segment: str, literal: str) -> bool:
    """Whether a segment of a route takes a literal one; of constraints, only `guid` is used."""
    if not segment.startswith("{"):
        return segment.casefold() == literal.casefold()
    try:
        return not segment.endswith(":guid}") or bool(UUID(literal))
    except ValueError:
        return False


def meet(one: str, other: str) -> bool:
    """Whether some path fits both routes."""
    pairs = list(zip(one.split("/"), other.split("/"), strict=False))
    if one.count("/") != other.count("/"):
        return False
    return all(fits(a, b) if not b.startswith("{") else fits(b, a) if not a.startswith("{") else True for a, b in pairs)


def is_meant_first(one: Operation, other: Operation) -> bool:
    """Whether it has the literal, where they first differ in that."""
    kinds = [
        (a.startswith("{"), b.startswith("{")) for a, b in zip(one.path.split("/"), other.path.split("/"), strict=True)
    ]
    return next((not a for a, b in kinds if a != b), False)


def wrong(operations: list[Operation]) -> list[tuple[str, str]]:
    return [
        (one.name, other.name)
        for one, other in combinations(sorted(operations, key=lambda each: each.name.casefold()), 2)
        if set(one.methods) & set(other.methods) and meet(one.path, other.path) and not is_meant_first(one, other)
    ]


def test_no_path_and_method_fits_two_functions_in_another_order_than_is_meant(operations: list[Operation]) -> None:
    assert wrong(operations) == []
    assert max(operation.name.casefold() for operation in operations) < NAME


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("things/{id}", "things/new", 1),
        ("things/new", "things/{id}", 0),
        ("things/{id:guid}", "things/new", 0),
        ("things/{id}", "THINGS/{other}", 1),
        ("things/{id}/parts", "things/new", 0),
        ("{kind}/new", "things/{id}", 1),
    ],
)
def test_such_a_pair_is_found(operations: list[Operation], first: str, second: str, expected: int) -> None:
    example = vars(operations[0]) | {"method": "GET"}

    def named(name: str, path: str) -> Operation:
        def handler() -> None: ...

        handler.__name__ = name
        return Operation(**example | {"handler": handler, "path": path})

    assert len(wrong([named("a", first), named("b", second)])) == expected


def test_the_host_has_just_these_functions(host: FunctionHost, operations: list[Operation]) -> None:
    served = {route.function.name: set(route.methods) for route in host.http.router.routes}
    assert served == {each.name: set(each.methods) for each in operations} | {NAME: set()}
