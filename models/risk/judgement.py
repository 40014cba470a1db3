"""From the window to findings, from findings to a score, and from the score to what follows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from models.accounts.finding import Finding, Rule
from models.risk.excessive import excessive_usage
from models.risk.finding import moment, strongest
from models.risk.places import suspicious_patterns
from models.risk.repetition import repetitive_queries
from models.risk.spam import spam
from models.risk.thresholds import RiskSettings, Thresholds
from models.risk.timing import bot_like_patterns
from models.risk.together import PATTERN
from models.risk.tokens import token_abuse
from models.risk.window import HISTORY_KEPT, RiskWindow

Decision = Literal["nothing", "flag", "suspend"]


def suspends(found: Finding) -> bool:
    """Whether a finding can suspend. What people do, too, for reasons of their own, and what others at their address
    do, is for a person to look at."""
    return found.rule != "repetitive_queries" and found.pattern != PATTERN


_RULES: dict[Rule, Callable[[RiskWindow, Thresholds], Finding | None]] = {
    "excessive_usage": lambda w, t: excessive_usage(w.undismissed("excessive_usage")[1], t.excessive_usage),
    "repetitive_queries": lambda w, t: repetitive_queries(
        w.undismissed("repetitive_queries")[0], t.repetitive_queries, t.bot_like_patterns
    ),
    "bot_like_patterns": lambda w, t: bot_like_patterns(w.undismissed("bot_like_patterns")[0], t.bot_like_patterns),
    "token_abuse": lambda w, t: token_abuse(w.undismissed("token_abuse")[0], t.token_abuse),
    "suspicious_patterns": lambda w, t: strongest(
        [
            suspicious_patterns(w.undismissed("suspicious_patterns")[0], t.suspicious_patterns),
            *(seen.finding(t.suspicious_patterns) for seen in w.gathered()),
        ]
    ),
    "spam": lambda w, t: spam(w.undismissed("spam")[0], t.spam),
}


def findings_in(window: RiskWindow, thresholds: Thresholds) -> dict[Rule, Finding]:
    """What the rules see in the window as it is."""
    seen = {rule: judge(window, thresholds) for rule, judge in _RULES.items()}
    return {rule: found for rule, found in seen.items() if found is not None}


def judged(window: RiskWindow, settings: RiskSettings) -> RiskWindow:
    """The window with its findings, its score and its decision brought up to date.

    Of what a rule finds now and what it found before, the weightier is kept: the one that will score more from now on.
    A finding outlives its evidence's stay in the window, and is forgotten when it scores too little.
    """
    now = moment(window.newest)
    seen = findings_in(window, settings.thresholds)
    findings = weightiest([*window.findings.values(), *seen.values()], settings)
    kept = {rule: one for rule, one in findings.items() if points(one, settings, now) >= settings.forget_below}
    score = score_of(kept, settings, now)
    return window.model_copy(
        update={
            "findings": kept,
            "history": _of_months([*window.history, *seen.values()], settings, now),
            "score": score,
            "decision": decision_of(kept, settings, now),
            "suspected": window.suspected or bool(findings),
        }
    )


def weightiest(findings: Iterable[Finding], settings: RiskSettings) -> dict[Rule, Finding]:
    """Of each rule the one that scores most at any common time."""
    return {found.rule: found for found in sorted(findings, key=lambda one: _weight(one, settings))}


def _of_months(findings: Iterable[Finding], settings: RiskSettings, now: datetime) -> list[Finding]:
    """The weightiest of each rule and month, in order of time."""
    months: dict[str, list[Finding]] = defaultdict(list)
    for found in findings:
        if found.last_seen > now - HISTORY_KEPT:
            months[f"{found.last_seen:%Y-%m}"].append(found)
    kept = [one for month in sorted(months) for one in weightiest(months[month], settings).values()]
    return sorted(kept, key=lambda one: (one.last_seen, one.rule))


def points(found: Finding, settings: RiskSettings, now: datetime) -> float:
    """What a finding scores at `now`: its strength's share of `points_per_rule`, halved every half-life since its last
    evidence."""
    age = max(timedelta(0), now - found.last_seen) / timedelta(days=settings.half_life_days)
    return float(settings.points_per_rule * found.strength * 0.5**age)


def score_of(findings: Mapping[Rule, Finding], settings: RiskSettings, now: datetime) -> float:
    """The risk score at `now`, 0-100: the sum of the findings' points, 100 at most."""
    return round(min(100.0, sum(points(found, settings, now) for found in findings.values())), 2)


def flagged_for(settings: RiskSettings) -> timedelta:
    """How long after its newest turn an account may be flagged: by then the findings of all rules have decayed."""
    most = len(_RULES) * settings.points_per_rule / settings.flag_from
    return timedelta(days=settings.half_life_days * max(0.0, math.log2(most)))


def decision_of(findings: Mapping[Rule, Finding], settings: RiskSettings, now: datetime) -> Decision:
    """What the policy makes of the score at `now`. In shadow mode it is recorded and not carried out.

    Some findings flag, and no more: to suspend, the others have to flag by themselves.
    """
    score = score_of(findings, settings, now)
    others = {rule: found for rule, found in findings.items() if suspends(found)}
    if score >= settings.suspend_from and score_of(others, settings, now) >= settings.flag_from:
        return "suspend"
    return "flag" if score >= settings.flag_from else "nothing"


def _weight(found: Finding, settings: RiskSettings) -> tuple[float, datetime, int, str]:
    """Orders findings by their points at any common time: halving by age is a difference of logarithms."""
    halvings = found.last_seen.timestamp() / timedelta(days=settings.half_life_days).total_seconds()
    return (round(math.log2(found.strength) + halvings, 9), found.last_seen, found.turns, found.fingerprint)
