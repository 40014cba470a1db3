"""The parts of an app's `host.json` that mean something to a host on one machine."""

import json
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.functions.errors import AppLoadError
from local.functions.retry import RetryPolicy, host_retry_policy, parse_time_span

_STRING = r'(?P<text>"(?:[^"\\]|\\.)*")'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
}


@dataclass(frozen=True, slots=True)
class HostJson:
    """`log_levels` maps a category (or `default`) to a `logging` level.

    `functions` are the names, in lower case, of those that run (None: all), `headers` go on every answer of theirs,
    `function_timeout` is in seconds.
    """

    route_prefix: str = "api"
    log_levels: dict[str, int] = field(default_factory=dict)
    retry: RetryPolicy | None = None
    functions: frozenset[str] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    function_timeout: float | None = None


def read_host_json(folder: Path) -> HostJson:
    """Reads `host.json` in `folder`; an absent file means the defaults. Raises `AppLoadError` if it is malformed."""
    path = folder / "host.json"
    if not path.is_file():
        return HostJson()
    try:
        content = json.loads(_without_comments(path.read_text(encoding="utf-8-sig")))
    except ValueError as error:
        raise AppLoadError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict) or content.get("version") != "2.0":
        raise AppLoadError(f"{path}: 'version' has to be \"2.0\".")
    enabled = content.get("functions")
    if enabled is not None and not isinstance(enabled, list):
        raise AppLoadError(f"{path}: 'functions' is a list of names.")
    return HostJson(
        functions=None if enabled is None else frozenset(str(name).lower() for name in enabled),
        headers=_custom_headers(_section(content, "extensions", "http").get("customHeaders", {}), path),
        function_timeout=_function_timeout(content.get("functionTimeout"), path),
        route_prefix=_route_prefix(_section(content, "extensions", "http").get("routePrefix", "api"), path),
        log_levels=_log_levels(_section(content, "logging", "logLevel"), path),
        retry=host_retry_policy(content["retry"]) if "retry" in content else None,
    )


def _without_comments(text: str) -> str:
    """JSON as the real host reads it: with comments, and commas before a closing bracket."""
    plain = _COMMENT.sub(lambda match: match["text"] or " ", text)
    return _LAST_COMMA.sub(lambda match: match["text"] or "", plain)


def _function_timeout(value: object, path: Path) -> float | None:
    """In seconds; -1 is no limit."""
    if value is None or str(value) == "-1":
        return None
    try:
        return parse_time_span(str(value))
    except ValueError as error:
        raise AppLoadError(f"{path}: functionTimeout: {error}") from error


def _custom_headers(value: object, path: Path) -> tuple[tuple[bytes, bytes], ...]:
    if not isinstance(value, dict):
        raise AppLoadError(f"{path}: 'customHeaders' is an object of names and values.")
    return tuple((str(name).lower().encode("ascii"), str(text).encode("ascii")) for name, text in value.items())


def _route_prefix(value: object, path: Path) -> str:
    prefix = str(value)
    if prefix != prefix.strip("/"):
        raise AppLoadError(f"{path}: the routePrefix '{prefix}' has a slash at its end, with which no host starts.")
    return prefix


def _section(content: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        value = content.get(name)
        if not isinstance(value, dict):
            return {}
        content = value
    return content


def _log_levels(section: dict[str, Any], path: Path) -> dict[str, int]:
    unknown = [str(level) for level in section.values() if str(level).lower() not in _LEVELS]
    if unknown:
        raise AppLoadError(f"{path}: {', '.join(unknown)} is not a log level; one of {', '.join(_LEVELS)} is.")
    return {category: _LEVELS[str(level).lower()] for category, level in section.items()}
