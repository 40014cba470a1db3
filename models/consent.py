"""What the user has consented to, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from models.document import Message
from models.values import Timestamp

CHANGES_KEPT = 100

Consent = Literal["data_retention_consent", "analytics_consent", "marketing_consent"]


class ConsentChange(Message):
    """A consent that was given or withdrawn."""

    consent: Consent
    given: bool = Field(description="Whether it was given; else it was withdrawn")
    changed_at: Timestamp


def recorded(
    history: Sequence[ConsentChange], before: Mapping[Consent, bool], after: Mapping[Consent, bool], now: datetime
) -> list[ConsentChange]:
    """The history with what has changed: the latest `CHANGES_KEPT`, oldest first."""
    changes = [
        ConsentChange(consent=name, given=given, changed_at=now)
        for name, given in after.items()
        if before[name] != given
    ]
    return [*history, *changes][-CHANGES_KEPT:]
