"""An app's settings for the local stack, from its `local.settings.template.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

from local.cli.terminal import CommandError

TEMPLATE = "local.settings.template.json"
SETTINGS = "local.settings.json"


def render(app: Path, values: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Write the app's settings if it has none yet, and return those that depend on `values` (the ports), and those that
    the app's template has got since the file was written.

    The file is for the default ports, whatever this run's are, so that other tools can start the app as well; what was
    edited in it by hand stays. The returned settings are for the environment, which wins over the file. An app without
    a template is left as it is. Raises CommandError.
    """
    template = app / TEMPLATE
    if not template.exists():
        return {}
    try:
        text = template.read_text("utf-8")
        rendered = Template(text).substitute(values)
        before, after = json.loads(text)["Values"], json.loads(rendered)["Values"]
    except KeyError as error:
        raise CommandError(f"{template}: {error} is neither 'Values' nor one of {', '.join(values)}") from None
    except ValueError as error:
        raise CommandError(f"{template}: {error}") from None
    if not (app / SETTINGS).exists():
        (app / SETTINGS).write_text(Template(text).substitute(defaults), "utf-8")
    written = _names(app / SETTINGS)
    return {name: value for name, value in after.items() if value != before[name] or name not in written}


def _names(file: Path) -> set[str]:
    """The settings that a file has. Of one that can't be read the host says so itself."""
    try:
        return set(json.loads(file.read_text("utf-8"))["Values"])
    except (ValueError, KeyError, TypeError):
        return set()
