"""The window of a user's recent turns that abuse is judged from, and what has been found and dismissed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field

from models.accounts.finding import Finding, Rule
from models.core.document import Document, Message
from models.core.errors import FindingChanged
from models.core.values import Timestamp, Uuid
from models.risk.excessive import HOUR, hour_of
from models.risk.facts import TurnFacts
from models.risk.together import Together

TURNS_KEPT = 200
DAYS_KEPT = timedelta(days=14)
_AGE = DAYS_KEPT // timedelta(milliseconds=1)
HISTORY_KEPT = timedelta(days=400)


class Dismissal(Message):
    """A moderator's word that a finding is none. The rule ignores what happened until then."""

    rule: Rule = Field(description="Which rule's finding it was")
    fingerprint: str = Field(description="Of the finding that was dismissed")
    until: Timestamp = Field(description="Time of its last evidence: only what is later can be found again")
    reason: str = Field(min_length=1, max_length=500, description="Why, as who dismissed it says")
    by: str = Field(description="The user_id of who dismissed it")
    at: Timestamp = Field(description="When")


class RiskWindow(Document):
    """A user's recent turns as facts, bounded in number and age, and what the rules found in them.

    The same turns make the same window, in whatever order and batches they come: what is kept depends on the set alone.
    """

    container: ClassVar[str] = "user_analytics"

    kind: Literal["risk_window"] = "risk_window"
    user_id: Uuid = Field(description="Whose it is; same as `partition_key`")
    turns: list[TurnFacts] = Field(
        default_factory=list, description="The newest turns, in time order: arrays, see TurnFacts"
    )
    hours: dict[str, int] = Field(default_factory=dict, description="Turns by clock hour, as hours since 1970")
    findings: dict[Rule, Finding] = Field(default_factory=dict, description="The weightiest finding of each rule")
    history: list[Finding] = Field(
        default_factory=list,
        description="The weightiest finding of each rule and month of UTC, by its last evidence, of 400 days",
    )
    dismissals: dict[Rule, Dismissal] = Field(default_factory=dict, description="The latest dismissal by rule")
    together: dict[str, Together] = Field(
        default_factory=dict, description="By address and day: that it was one of too many accounts there"
    )
    suspected: bool = Field(default=False, description="Whether anything has ever been found: else nothing is to tell")
    score: float = Field(default=0.0, ge=0, le=100, description="Risk score at the time of the newest turn")
    decision: Literal["nothing", "flag", "suspend"] = Field(
        default="nothing", description="What the policy makes of the score"
    )

    @classmethod
    def empty(cls, user_id: str) -> RiskWindow:
        return cls(id=risk_window_id(user_id), partition_key=user_id, user_id=user_id)

    @property
    def newest(self) -> int:
        """Time of the newest turn, in milliseconds since 1970; 0 without one."""
        return self.turns[-1].at if self.turns else 0

    def with_turns(self, new: Iterable[TurnFacts]) -> RiskWindow:
        """The window with turns that it has not counted before. A turn that it holds is not counted again."""
        added = set(new).difference(self.turns)
        turns = sorted([*self.turns, *added])
        oldest = turns[-1].at - _AGE if turns else 0
        hours = {int(hour): count for hour, count in self.hours.items()}
        for turn in added:
            hours[hour_of(turn)] = hours.get(hour_of(turn), 0) + 1
        return self.model_copy(
            update={
                "turns": [turn for turn in turns if turn.at >= oldest][-TURNS_KEPT:],
                "hours": {str(hour): hours[hour] for hour in sorted(hours) if hour >= oldest // HOUR},
                "together": {
                    place: seen for place, seen in self.together.items() if seen.last_seen.timestamp() * 1000 >= oldest
                },
            }
        )

    def with_together(self, place: str, seen: Together) -> RiskWindow:
        """The window, knowing that it was one of too many accounts at a place: itself, if it knows that, or newer."""
        known = self.together.get(place)
        if known is not None and (known.revision > seen.revision or known == seen):
            return self
        return self.model_copy(update={"together": self.together | {place: seen}})

    def dismiss(self, rule: Rule, fingerprint: str, reason: str, by: str, now: datetime) -> RiskWindow:
        """The window without a finding, which does not come back for the same evidence: nor what the rule found before.

        Raises:
            FindingChanged: there is no such finding any more; the rule may have found something newer.
        """
        found = self.findings.get(rule)
        if found is None or found.fingerprint != fingerprint:
            raise FindingChanged
        dismissal = Dismissal(rule=rule, fingerprint=fingerprint, until=found.last_seen, reason=reason, by=by, at=now)
        return self.model_copy(
            update={
                "findings": {name: kept for name, kept in self.findings.items() if name != rule},
                "history": [one for one in self.history if one.rule != rule or one.last_seen > found.last_seen],
                "dismissals": self.dismissals | {rule: dismissal},
            }
        )

    def undismissed(self, rule: Rule) -> tuple[list[TurnFacts], dict[int, int]]:
        """The turns, and the counts by hour, that a rule may look at: those later than what was dismissed."""
        hours = {int(hour): count for hour, count in self.hours.items()}
        if rule not in self.dismissals:
            return self.turns, hours
        until = self.dismissals[rule].until.timestamp() * 1000
        return (
            [turn for turn in self.turns if turn.at > until],
            {hour: count for hour, count in hours.items() if hour * HOUR > until},
        )

    def gathered(self) -> list[Together]:
        """Where it was one of too many accounts, of what is not dismissed."""
        dismissed = self.dismissals.get("suspicious_patterns")
        return [seen for seen in self.together.values() if dismissed is None or seen.last_seen > dismissed.until]


def risk_window_id(user_id: str) -> str:
    return f"{user_id}:risk_window"
