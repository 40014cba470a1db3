"""What the log is kept free of."""

from __future__ import annotations

import logging

TALKATIVE = ("azure", "msal", "aiohttp", "urllib3")
"""Libraries that tell each of their requests at the level INFO, with its URL: and in those of Cosmos DB are the ids of
users and of what they wrote."""


def quieten_libraries() -> None:
    """Shows warnings of talkative libraries, and nothing below, unless the host has been told otherwise of one."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
