"""What the user has consented to, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from models.core.document import Message
from models.core.values import Timestamp

CHANGES_KEPT = 100

Consent = Literal["data_retention_consent", "analytics_consent", "text_storage_consent", "marketing_consent"]

MEANINGS: dict[Consent, str] = {
    "data_retention_consent": "Withdrawn, turns and sessions expire after `RETENTION_DAYS_WITHOUT_CONSENT` days: new "
    "ones that long after their last change, those that are kept already that long after they took place. What was "
    "shortened stays so when it is given again. Bookmarks stay",
    "analytics_consent": "Withdrawn, later turns and sessions count in no rollup; `DELETE /api/me/analytics` takes out "
    "the past ones, too. Limits and the protection against abuse need no consent",
    "text_storage_consent": "Withdrawn, questions, answers and written feedback are not stored from then on, nor "
    "copied into bookmarks, as with `store_texts` of a turn; all figures are, and what is stored already stays",
    "marketing_consent": "Recorded for whoever sends mail; this service sends none",
}
"""What each consent does, for whoever reads or changes it. Another takes effect within half a minute everywhere."""


class ConsentChange(Message):
    """A consent that was given or withdrawn."""

    consent: Consent = Field(description="Which consent")
    given: bool = Field(description="Whether it was given; else it was withdrawn")
    changed_at: Timestamp = Field(description="When it was given or withdrawn")


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
