"""Abuse, for staff: what was found in a user's turns, with the evidence, and dismissing it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from cosmos.accounts.accounts import Accounts
from cosmos.risk.risk import Risk
from functions.accounts.acting import acted_on
from functions.core.api import Routes
from functions.core.call import Call
from models.accounts.finding import Finding, Rule
from models.accounts.moderation import Reason
from models.core.document import Message
from models.core.values import Timestamp
from models.risk.actions import DISMISS_FINDING, READ_RISK
from models.risk.judgement import Decision, decision_of, points, score_of
from models.risk.thresholds import RiskSettings
from models.risk.window import Dismissal, RiskWindow

routes = Routes()


class ShownFinding(Message):
    """One finding, what it scores now, and the name to dismiss it by."""

    finding: Finding
    points: float = Field(description="Its part of the score, by its age now")
    fingerprint: str = Field(description="Names this evidence; newer evidence has another")


class RiskView(Message):
    """What was found in a user's turns, as it stands now."""

    user_id: str
    score: float = Field(description="0-100: the findings' points, added, as of `score_at`")
    score_at: Timestamp = Field(description="When it is told: it decays")
    decision: Decision = Field(description="What the policy makes of the score now")
    shadow: bool = Field(description="Whether that is only recorded")
    findings: list[ShownFinding] = Field(description="Most points first")
    dismissals: list[Dismissal] = Field(description="The latest of each rule")

    @classmethod
    def of(cls, window: RiskWindow, settings: RiskSettings, now: datetime) -> RiskView:
        score = score_of(window.findings, settings, now)
        shown = [
            ShownFinding(finding=found, points=round(points(found, settings, now), 2), fingerprint=found.fingerprint)
            for found in window.findings.values()
        ]
        return cls(
            user_id=window.user_id,
            score=score,
            score_at=now,
            decision=decision_of(window.findings, settings, now),
            shadow=settings.shadow,
            findings=sorted(shown, key=lambda one: (-one.points, one.finding.rule)),
            dismissals=[window.dismissals[rule] for rule in sorted(window.dismissals)],
        )


class NewDismissal(Message):
    """Which finding is none, and why."""

    rule: Rule
    fingerprint: str = Field(pattern=r"^[0-9a-f]{16}$", description="Of the finding as it was shown")
    reason: Reason


@routes.operation(
    "GET",
    "admin/users/{user_id}/risk",
    summary="What was found of abuse in a user's turns, with the evidence",
    action=READ_RISK,
    returns=RiskView,
)
async def get_user_risk(call: Call[None]) -> RiskView:
    """Of a user none of whose turns has been judged there is nothing yet."""
    risk, user_id = call.store[Risk], call.uuid("user_id")
    window = await risk.window(user_id)
    if window is None:
        await call.store[Accounts].read(user_id)  # tells a user of whom nothing is found from none
    return RiskView.of(window or RiskWindow.empty(user_id), risk.settings, call.now)


@routes.operation(
    "PUT",
    "admin/users/{user_id}/risk/dismissal",
    summary="Dismiss a finding: it does not come back for the same evidence",
    action=DISMISS_FINDING,
    body=NewDismissal,
    returns=RiskView,
    problems=("self-moderation", "outranked", "finding-changed"),
)
async def dismiss_finding(call: Call[NewDismissal]) -> RiskView:
    """If the rule has seen more since, the fingerprint is another one: read again. Sent again, it changes nothing."""
    user_id, wanted = call.uuid("user_id"), call.body
    _, entry = await acted_on(call, user_id, "dismiss_finding", wanted.reason)
    risk = call.store[Risk]
    window = await risk.dismiss(user_id, wanted.rule, wanted.fingerprint, entry, call.now)
    return RiskView.of(window, risk.settings, call.now)
