"""GeoJSON geometries as points, lines and polygons, and what the spatial functions ask of them.

Distances and areas are those of a sphere with the Earth's mean radius, where Azure takes an ellipsoid: they differ by
up to half a percent. Containment and crossing are those of the plane of longitude and latitude.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from ..values import JSON, is_number

Position: TypeAlias = tuple[float, float]
"""Longitude and latitude in degrees."""

Segment: TypeAlias = tuple[Position, Position]
Vector: TypeAlias = tuple[float, float, float]

_EARTH_RADIUS: Final = 6_371_008.8  # metres
_RING_POSITIONS: Final = 4
_DEPTHS: Final = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


class InvalidGeometryError(ValueError):
    """The value is no valid GeoJSON geometry; the text says why."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A geometry in parts. Each polygon has its outer ring first and then its holes; rings are closed."""

    points: tuple[Position, ...] = ()
    lines: tuple[tuple[Position, ...], ...] = ()
    polygons: tuple[tuple[tuple[Position, ...], ...], ...] = ()

    def positions(self) -> Iterator[Position]:
        """Every position in it."""
        yield from self.points
        for line in self.lines:
            yield from line
        for polygon in self.polygons:
            yield from polygon[0]

    def segments(self) -> Iterator[Segment]:
        """Every straight piece of its lines and borders; a point is a piece without length."""
        yield from ((point, point) for point in self.points)
        for line in self.lines:
            yield from pairwise(line)
        for polygon in self.polygons:
            for ring in polygon:
                yield from pairwise(ring)

    def covers(self, position: Position) -> bool:
        """Whether one of the polygons has the position inside."""
        return any(
            _inside(position, polygon[0]) and not any(_inside(position, hole) for hole in polygon[1:])
            for polygon in self.polygons
        )


def parse_geometry(value: JSON) -> Geometry:
    """The geometry of a GeoJSON object. Raises InvalidGeometryError."""
    kind = value.get("type") if type(value) is dict else None
    if kind not in _DEPTHS:
        raise InvalidGeometryError("The value is not a GeoJSON geometry of a supported type.")
    found = _positions(value.get("coordinates"), _DEPTHS[kind])
    match kind:
        case "Point":
            return Geometry(points=(found,))
        case "MultiPoint":
            return Geometry(points=found)
        case "LineString":
            return Geometry(lines=(found,))
        case "MultiLineString":
            return Geometry(lines=found)
        case "Polygon":
            return Geometry(polygons=(_closed(found),))
    return Geometry(polygons=tuple(map(_closed, found)))


def _positions(value: JSON, depth: int) -> JSON:
    """The coordinates as tuples, nested as deep as they were."""
    if type(value) is not list or (depth and not value):
        raise InvalidGeometryError("The coordinates are missing.")
    if depth:
        return tuple(_positions(item, depth - 1) for item in value)
    if len(value) not in (2, 3) or not all(map(is_number, value)):
        raise InvalidGeometryError("A position needs a longitude and a latitude.")
    longitude, latitude = value[:2]
    if abs(latitude) > 90:
        raise InvalidGeometryError("Latitude values must be between -90 and 90 degrees.")
    if abs(longitude) > 180:
        raise InvalidGeometryError("Longitude values must be between -180 and 180 degrees.")
    return (float(longitude), float(latitude))


def _closed(rings: tuple[tuple[Position, ...], ...]) -> tuple[tuple[Position, ...], ...]:
    for ring in rings:
        if len(ring) < _RING_POSITIONS or ring[0] != ring[-1]:
            raise InvalidGeometryError(
                "The Polygon input is not valid because the start and end points of the ring are not the same. Each "
                "ring of a polygon must have the same start and end points."
            )
    return rings


def _inside(position: Position, ring: tuple[Position, ...]) -> bool:
    """Whether a ray from the position to the east crosses the ring an odd number of times."""
    x, y = position
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def intersect(one: Geometry, other: Geometry) -> bool:
    """Whether the two have a position in common."""
    if any(_cross(left, right) for left in one.segments() for right in other.segments()):
        return True
    return any(map(other.covers, one.positions())) or any(map(one.covers, other.positions()))


def _cross(left: Segment, right: Segment) -> bool:
    (a, b), (c, d) = left, right
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((left, c), (left, d), (right, a), (right, b))
    return any(turn == 0 and _between(*end) for turn, end in zip(turns, ends, strict=True))


def _turn(a: Position, b: Position, c: Position) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(segment: Segment, position: Position) -> bool:
    """Whether a position on the segment's line is on the segment."""
    (x1, y1), (x2, y2) = segment
    return min(x1, x2) <= position[0] <= max(x1, x2) and min(y1, y2) <= position[1] <= max(y1, y2)


def distance(one: Geometry, other: Geometry) -> float:
    """The shortest distance between the two in metres; 0 if they intersect."""
    if intersect(one, other):
        return 0.0
    return min(_segment_distance(left, right) for left in one.segments() for right in other.segments())


def _segment_distance(left: Segment, right: Segment) -> float:
    pairs = ((left[0], right), (left[1], right), (right[0], left), (right[1], left))
    return min(_distance_to_segment(position, segment) for position, segment in pairs)


def _distance_to_segment(position: Position, segment: Segment) -> float:
    """To the nearest position of a piece of a great circle."""
    point, start, end = _vector(position), _vector(segment[0]), _vector(segment[1])
    normal = _cross_product(start, end)
    length = math.hypot(*normal)
    if length > 0:
        beside_start = _dot(_cross_product(normal, start), point) >= 0
        beside_end = _dot(_cross_product(end, normal), point) >= 0
        if beside_start and beside_end:
            return _EARTH_RADIUS * abs(math.asin(max(-1.0, min(1.0, _dot(point, normal) / length))))
    return _EARTH_RADIUS * min(_angle(point, start), _angle(point, end))


def _vector(position: Position) -> Vector:
    longitude, latitude = map(math.radians, position)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def _cross_product(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _angle(a: Vector, b: Vector) -> float:
    return math.atan2(math.hypot(*_cross_product(a, b)), _dot(a, b))


def area(geometry: Geometry) -> float:
    """The area of the polygons in square metres, without their holes."""
    return sum(_ring_area(polygon[0]) - sum(map(_ring_area, polygon[1:])) for polygon in geometry.polygons)


def _ring_area(ring: tuple[Position, ...]) -> float:
    """By the trapezoids between each edge and the equator, on the equal-area cylinder."""
    total = sum(
        math.radians(x2 - x1) * (2 + math.sin(math.radians(y1)) + math.sin(math.radians(y2)))
        for (x1, y1), (x2, y2) in pairwise(ring)
    )
    return abs(total) * _EARTH_RADIUS**2 / 2
