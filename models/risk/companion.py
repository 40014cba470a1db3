"""The risk window as the fold knows it: judged anew with each turn that is new in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from models.core.document import Document
from models.core.pseudonyms import is_user
from models.counting.companion import Companion
from models.risk.facts import TurnFacts
from models.risk.finding import moment
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.risk.window import RiskWindow, risk_window_id


def windows(settings: RiskSettings) -> Companion:
    """The risk windows of users, judged by these settings."""

    def after(user_id: str, held: Document | None, contexts: Sequence[Any]) -> Document | None:
        new = [context for context in contexts if isinstance(context, TurnFacts)]
        if not new:
            return held
        window = held if isinstance(held, RiskWindow) else RiskWindow.empty(user_id)
        revision = window.revision + 1 if held else 1
        for _, turns in groupby(sorted(new), key=_month):  # a month's findings are those of its own end
            window = judged(window.with_turns(turns), settings)
        return window.model_copy(update={"revision": revision})

    return Companion(
        id_of=lambda partition: risk_window_id(partition) if is_user(partition) else None,
        parse=lambda item: RiskWindow.parse(dict(item)),
        after=after,
    )


def _month(turn: TurnFacts) -> str:
    return f"{moment(turn.at):%Y-%m}"
