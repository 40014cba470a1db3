"""What may be kept of a user's turns, for how long, and whether it may be counted."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = 86_400
LEAST_SECONDS = 3600
"""What is shortened is kept at least this long from then on: the change feed's readers see it before it goes."""


@dataclass(frozen=True)
class Privacy:
    """What the operator decides about what users have not consented to.

    Attributes:
        text_key: Secret that hashes of texts are keyed with: without it, guesses at a text that is not kept could be
            tried.
        without_consent: Seconds that turns and sessions are kept without `data_retention_consent`.
        turns: Seconds that turns are kept with it.
        sessions: Seconds that sessions are kept with it.
    """

    text_key: bytes
    without_consent: int = 30 * DAY
    turns: int = 730 * DAY
    sessions: int = 730 * DAY

    def hash_of(self, content: str) -> str:
        """Keyed hash of a request's content: tells its repetition, and nothing of its texts."""
        return hmac.digest(self.text_key, content.encode(), "sha256").hex()


@dataclass(frozen=True)
class WritePolicy:
    """What a user has consented to, as turns and sessions are written by it.

    Attributes:
        analytics: Whether they count in analytics.
        texts: Whether questions, answers and written feedback are stored.
        turn_ttl: Seconds that turns are kept, None for the container's default.
        session_ttl: The same of sessions; None leaves a session that goes on as it is.
        text_key: As in `Privacy`.
    """

    analytics: bool = True
    texts: bool = True
    turn_ttl: int | None = None
    session_ttl: int | None = None
    text_key: bytes = b""


EVERYTHING = WritePolicy()
"""Of a user who has consented to all there is."""


def seconds_left(now: datetime, end: datetime) -> int:
    """The `ttl` that lets a document which is written now expire at `end`, but not before `LEAST_SECONDS` from now."""
    return max(LEAST_SECONDS, int((end - now) / timedelta(seconds=1)))
