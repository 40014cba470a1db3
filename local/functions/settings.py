"""App settings: `local.settings.json` with the process environment on top of it.

The file has the shape Core Tools gives it: `{"IsEncrypted": false, "Values": {name: text}, "Host": {"CORS": "*"}}`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.functions.errors import AppLoadError

_REFERENCE = re.compile(r"%([^%]+)%")


class Settings(Mapping[str, str]):
    """App settings by name, and the `%NAME%` references to them that binding properties may hold."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def expand(self, text: str) -> str:
        """`text` with every `%NAME%` replaced by that setting; raises `KeyError` for one that is not set."""
        return _REFERENCE.sub(lambda match: self._values[match[1]], text)

    def flag(self, name: str) -> bool:
        """True if the setting is `true` or `1`, in any case."""
        return self._values.get(name, "").strip().lower() in {"true", "1"}


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What an app's `local.settings.json` says."""

    values: dict[str, str] = field(default_factory=dict)
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False


def read_local_settings(folder: Path) -> LocalSettings:
    """Reads `local.settings.json` in `folder`, if there is one; raises `AppLoadError` if it is malformed."""
    path = folder / "local.settings.json"
    if not path.is_file():
        return LocalSettings()
    content = _read_object(path)
    if content.get("IsEncrypted"):
        raise AppLoadError(f"{path} is encrypted; run `func settings decrypt` first.")
    values = content.get("Values", {})
    host = content.get("Host", {})
    if not isinstance(values, dict) or not isinstance(host, dict):
        raise AppLoadError(f"{path}: 'Values' and 'Host' have to be objects.")
    nested = [name for name, value in values.items() if isinstance(value, dict | list)]
    if nested:
        raise AppLoadError(f"{path}: values are text, but {', '.join(nested)} is not.")
    return LocalSettings(
        values={name: _as_text(value) for name, value in values.items()},
        cors_origins=tuple(origin.strip() for origin in str(host.get("CORS", "")).split(",") if origin.strip()),
        cors_credentials=bool(host.get("CORSCredentials", False)),
    )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise AppLoadError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise AppLoadError(f"{path} has to hold an object.")
    return content


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
