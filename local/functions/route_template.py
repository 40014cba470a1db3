"""Route templates in the syntax of ASP.NET Core: `items/{id:int}/{name}.{extension?}`, `docs/{*path}`, `{page=1}`.

A template becomes one regular expression. Literals match in any case; trailing parameters with `?` or a default may be
absent; `{*rest}` takes the remaining segments with the slash at their end, or none; `{{` and `}}` are braces. A slash
at the end of a path means nothing otherwise, and an empty segment fits nothing but the inside of a `{*rest}`.
"""

import re
from dataclasses import dataclass

from local.functions.route_constraints import Constraint, parse_constraint


@dataclass(frozen=True, slots=True)
class Parameter:
    """`{name:constraint(argument)=default}`: `?` at the end if it may be absent, `*` before the name to catch all."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    @property
    def may_be_absent(self) -> bool:
        return self.is_optional or self.is_catch_all or self.default is not None


Part = str | Parameter
Segment = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed template; `match` takes a path without the slash that it starts with."""

    text: str
    segments: tuple[Segment, ...]
    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Orders templates as ASP.NET Core does, the most specific first: a digit for each segment."""
        return tuple(_digit(segment) for segment in self.segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the parameters that are present or have a default, or None if the path does not match."""
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        values = {}
        for parameter, value in zip(self.parameters, match.groups(), strict=True):
            if not value:
                if parameter.default is None and (parameter.is_optional or not parameter.constraints):
                    continue
                value = parameter.default or ""
            if not all(constraint(value) for constraint in parameter.constraints):
                return None
            values[parameter.name] = value
        return values


def parse_template(text: str) -> RouteTemplate:
    """Parses a template (slashes around it mean nothing); raises `ValueError` saying what is wrong with it."""
    segments = tuple(_parse_segment(segment) for segment in _split(text.strip("/")))
    parameters = tuple(part for segment in segments for part in segment if isinstance(part, Parameter))
    names = [parameter.name.lower() for parameter in parameters]
    if len(set(names)) < len(names):
        raise ValueError(f"a parameter occurs more than once in the route '{text}'")
    if any(parameter.is_catch_all for parameter in parameters[:-1]) or any(
        isinstance(part, Parameter) and part.is_catch_all and segment is not segments[-1]
        for segment in segments
        for part in segment
    ):
        raise ValueError(f"a catch-all parameter has to be the last segment of the route '{text}'")
    return RouteTemplate(text.strip("/"), segments, _compile(segments), parameters)


def _split(text: str) -> list[str]:
    """Splits at the slashes that are outside braces."""
    segments, depth = [""], 0
    for character in text.replace("{{", "\0").replace("}}", "\1"):
        if character == "/" and depth == 0:
            segments.append("")
            continue
        depth += (character == "{") - (character == "}")
        segments[-1] += character
    if depth:
        raise ValueError(f"the braces of the route '{text}' do not match")
    if segments == [""]:
        return []
    if "" in segments:
        raise ValueError(f"the route '{text}' has an empty segment")
    return segments


def _parse_segment(text: str) -> Segment:
    parts: list[Part] = []
    for piece in re.split(r"(\{[^{}]*\})", text):
        if piece.startswith("{"):
            parts.append(_parse_parameter(_unescape(piece[1:-1])))
        elif piece:
            parts.append(_unescape(piece))
    for index, part in enumerate(parts):
        if not isinstance(part, Parameter):
            continue
        if part.is_catch_all and len(parts) > 1:
            raise ValueError(f"a catch-all parameter has to be a segment of its own, not a part of '{text}'")
        if index and isinstance(parts[index - 1], Parameter):
            raise ValueError(f"parameters have to be separated by text, but are not in '{text}'")
        if part.is_optional and len(parts) > 1 and not _is_extension(parts, index):
            raise ValueError(f"within a segment only the last parameter, after a full stop, is optional: '{text}'")
    return tuple(parts)


def _is_extension(parts: list[Part], index: int) -> bool:
    """Whether a part is the `{extension}` of `{name}.{extension}`."""
    return index == len(parts) - 1 and index >= 2 and parts[index - 1] == "."


def _unescape(text: str) -> str:
    return text.replace("\0", "{").replace("\1", "}")


def _parse_parameter(text: str) -> Parameter:
    is_catch_all = text.startswith("*")
    body = text.lstrip("*")
    name, constraint_texts, default, is_optional = _tokens(body)
    if not name or any(character in "/{}?*" for character in name):
        raise ValueError(f"'{text}' is not a route parameter's name")
    if is_optional and default is not None:
        raise ValueError(f"the optional parameter '{name}' cannot have a default")
    if is_optional and is_catch_all:
        raise ValueError(f"the catch-all parameter '{name}' cannot be optional")
    constraints = tuple(parse_constraint(constraint) for constraint in constraint_texts)
    return Parameter(name, constraints, default, is_optional, is_catch_all)


def _tokens(body: str) -> tuple[str, list[str], str | None, bool]:
    """Splits `name:constraint:constraint=default?` at the marks that are outside parentheses."""
    fields, mark, depth, default = [""], ":", 0, None
    for index, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if depth <= 0 and character == "=":
            default = body[index + 1 :]
            break
        if depth <= 0 and character == mark:
            fields.append("")
        else:
            fields[-1] += character
    is_optional = default is None and fields[-1].endswith("?")
    if is_optional:
        fields[-1] = fields[-1][:-1]
    return fields[0], fields[1:], default, is_optional


def _compile(segments: tuple[Segment, ...]) -> re.Pattern[str]:
    required = len(segments)
    while required and _may_be_absent(segments[required - 1]):
        required -= 1
    pattern = "/".join(_segment_pattern(segment) for segment in segments[:required])
    tail = ""
    for index in range(len(segments) - 1, required - 1, -1):
        slash = "/" if index else ""
        tail = f"(?:{slash}{_segment_pattern(segments[index])}{tail})?"
    return re.compile(pattern + tail + r"(?:(?<=[^/])/)?", re.IGNORECASE | re.DOTALL)


def _may_be_absent(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].may_be_absent


def _segment_pattern(segment: Segment) -> str:
    if len(segment) > 1 and isinstance(segment[-1], Parameter) and segment[-1].is_optional:
        return "".join(map(_part_pattern, segment[:-3])) + r"([^/]+?)(?:\.([^/.]+))?"
    return "".join(map(_part_pattern, segment))


def _part_pattern(part: Part) -> str:
    if isinstance(part, str):
        return re.escape(part)
    return "((?!/).*)" if part.is_catch_all else "([^/]+)"


def _digit(segment: Segment) -> int:
    """1 text, 2 with a constraint or a mixture, 3 a parameter, 4 a constrained catch-all, 5 a catch-all."""
    if len(segment) > 1:
        return 2
    part = segment[0]
    if isinstance(part, str):
        return 1
    return (5 if part.is_catch_all else 3) - bool(part.constraints)
