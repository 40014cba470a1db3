"""Spatial functions on GeoJSON objects. Something else than a valid geometry gives undefined."""

from collections.abc import Callable

from ..values import JSON, UNDEFINED, Value, number
from .geometry import Geometry, InvalidGeometryError, area, distance, intersect, parse_geometry
from .registry import builtin


def _on_geometries(function: Callable[..., Value]) -> Callable[..., Value]:
    def evaluate(*values: JSON) -> Value:
        try:
            geometries = [parse_geometry(value) for value in values]
        except InvalidGeometryError:
            return UNDEFINED
        return function(*geometries)

    return evaluate


def _within(inner: Geometry, outer: Geometry) -> bool:
    """Whether all of the first is inside the polygons of the second."""
    return all(map(outer.covers, inner.positions()))


builtin("ST_DISTANCE", "oo")(_on_geometries(lambda one, other: number(distance(one, other))))
builtin("ST_INTERSECTS", "oo")(_on_geometries(intersect))
builtin("ST_WITHIN", "oo")(_on_geometries(_within))
builtin("ST_AREA", "o")(_on_geometries(lambda geometry: number(area(geometry))))


@builtin("ST_ISVALID", "d")
def _is_valid(value: JSON) -> Value:
    return _validity(value) is None


@builtin("ST_ISVALIDDETAILED", "d")
def _is_valid_detailed(value: JSON) -> Value:
    """{"valid": true}, or {"valid": false, "reason": ...}."""
    reason = _validity(value)
    return {"valid": True} if reason is None else {"valid": False, "reason": reason}


def _validity(value: JSON) -> str | None:
    """Why the value is not valid; None if it is."""
    try:
        parse_geometry(value)
    except InvalidGeometryError as error:
        return str(error)
    return None
