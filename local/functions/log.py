"""Logging to standard output, in the shape of `func start`: `[2026-01-31T10:00:00.000Z] message`."""

import logging
import sys
import time
from collections.abc import Mapping

_QUIET = ("azure", "aiohttp", "urllib3", "asyncio", "uvicorn")


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is logging's
        mark = "" if record.levelno <= logging.INFO else f"{record.levelname}: "
        return f"[{record.asctime}] {mark}{record.message}"

    def usesTime(self) -> bool:  # noqa: N802  # the name is logging's
        return True


def configure_logging(levels: Mapping[str, int]) -> None:
    """Shows the host's and the app's own messages at the levels of `host.json`, by category and `default`.

    A category is a logger's name, in any case of `Azure.Core`: the Python logger `azure.core`. Libraries that report
    each request at the level INFO are shown from WARNING on unless a category says otherwise.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(levels.get("default", logging.INFO))
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for category, level in levels.items():
        if category != "default":
            name = category if category.startswith(("Function", "Host")) else category.lower()
            logging.getLogger(name).setLevel(level)
