"""The platform's documents: days and months of UTC, cohorts, and questions; and its use over time."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.recount.definitions.turns import (
    Fields,
    Stored,
    Turn,
    cost_per_turn,
    fallbacks,
    follow_ups,
    mean,
    moment,
    nano,
    of_servers,
    ranked,
    ratings,
    share,
    times,
    tokens,
    told,
    unpriced,
    usd,
)

DIMENSIONS = {
    "model": "model_used",
    "personality": "personality_used",
    "category": "query_category",
    "language": "user_query_language",
}
RETURNS = (1, 7, 30)
ASKERS, A_DAY = 3, 3
"""Users who have to ask a question for its text to be kept, and turns of one of them that count on a day."""

UNTOLD = "other"
"""What users' turns have names for that nobody else knows."""


class Platform:
    """What is counted of all users together."""

    def __init__(self, stored: Stored, taken_out: Iterable[Turn] = ()) -> None:
        """`taken_out`: turns that counted once, and don't any more since their users withdrew their consent."""
        self.stored = stored
        self._taken_out = list(taken_out)
        self._turns: dict[str, list[Turn]] = defaultdict(list)
        for turn in stored.turns:
            self._turns[f"{turn.at:%Y-%m-%d}"].append(turn)
        self._sessions = defaultdict(list)
        for session in stored.sessions:
            self._sessions[f"{moment(session['start_time']):%Y-%m-%d}"].append(session)
        self.firsts = Counter(f"{counted.turns[0].at:%Y-%m-%d}" for counted in stored.users.values())
        self._active = Counter(day for _, day in stored.by_utc_day)
        for (_, period, key), counted in stored.periods.items():
            self._active[key] += period == "monthly" and bool(counted.turns)

    def active(self, period: str) -> int:
        """Users with turns on a day of UTC, or in a month of their own calendar."""
        return self._active[period]

    @property
    def months(self) -> list[str]:
        owned = (day[:7] for day, users in self._active.items() if users)
        return sorted({day[:7] for day in self._turns.keys() | self._sessions.keys()} | set(owned))

    def turns_of(self, period: str) -> list[Turn]:
        return [turn for day in sorted(self._turns) if day.startswith(period) for turn in self._turns[day]]

    def documents(self) -> dict[str, Fields]:
        """By id in the partition `platform`, without questions."""
        found = {}
        for day in self._turns.keys() | self._sessions.keys():
            found[f"platform:utc_daily:{day}"] = self._period("utc_daily", day)
        for month in self.months:
            found[f"platform:utc_monthly:{month}"] = self._period("utc_monthly", month)
        for began, spans in self.cohorts().items():
            found[f"platform:cohort:{began}"] = _cohort(began, spans)
        return found

    def _period(self, period: str, key: str) -> Fields:
        turns = self.turns_of(key)
        features = self.features(key) if period == "utc_monthly" else {}
        first, last = self._span(key, turns)
        return {
            "partition_key": "platform",
            "analytics_period": period,
            "period_key": key,
            "first_activity": told(first),
            "last_activity": told(last),
            "sums": self._sums(key, turns, features),
            **self.figures(key, turns),
            "feature_adoption": features,
        }

    def _span(self, key: str, turns: Sequence[Turn]) -> tuple[datetime | None, datetime | None]:
        """Also of turns that were taken out, as long as there are others."""
        every = [turn.at for turn in (*turns, *self._taken_out) if f"{turn.at:%Y-%m-%d}".startswith(key)]
        return (min(every), max(every)) if turns else (None, None)

    def figures(self, key: str, turns: Sequence[Turn]) -> Fields:
        """Use and cost are those that servers recorded."""
        served = of_servers(turns)
        took = times(served)
        return {
            "total_interactions": len(served),
            "total_sessions": sum(len(begun) for day, begun in self._sessions.items() if day.startswith(key)),
            "total_tokens": tokens(served),
            "total_cost_usd": usd(served),
            "unpriced_interactions": unpriced(served),
            "active_users": self.active(key),
            "new_users": sum(count for day, count in self.firsts.items() if day.startswith(key)),
            "avg_response_time_ms": mean(took),
            "timed_interactions": len(took),
            "response_time_p50_ms": took[int(0.5 * (len(took) - 1))] if took else None,
            "response_time_p95_ms": took[int(0.95 * (len(took) - 1))] if took else None,
            "error_rate": share(fallbacks(served), len(served)),
            "user_satisfaction": mean(ratings(served)),
            "rated_interactions": len(ratings(served)),
            "cost_per_interaction_usd": cost_per_turn(served),
            "model_usage": ranked(turn["model_used"] for turn in served),
            "personality_usage": ranked(turn["personality_used"] for turn in served),
            "topic_distribution": ranked(turn["query_category"] for turn in served),
            "language_distribution": ranked(turn["user_query_language"] for turn in served),
        }

    def _sums(self, key: str, turns: Sequence[Turn], features: Mapping[str, int]) -> dict[str, int]:
        """Whole numbers by measure, but for the histogram of times, which the quantiles are read from."""
        served, sums = of_servers(turns), Counter[str]()
        sums["interactions"], sums["tokens"] = len(served), tokens(served)
        sums["cost_nano_usd"], sums["unpriced"] = nano(served), unpriced(served)
        sums["response_time_ms"], sums["timed"] = sum(times(served)), len(times(served))
        sums["fallback"], sums["follow_ups"] = fallbacks(served), follow_ups(served)
        for measure in ("flagged", "bookmarked", "shared"):
            sums[measure] = sum(turn[f"was_{measure}"] for turn in served)
        sums["helpful"] = sum(turn["was_helpful"] is True for turn in served)
        sums["unhelpful"] = sum(turn["was_helpful"] is False for turn in served)
        sums.update(f"rating:{stars}" for stars in ratings(served))
        begun = [one for day, sessions in self._sessions.items() if day.startswith(key) for one in sessions]
        lasting = [one["duration_seconds"] for one in begun if one["duration_seconds"] is not None]
        sums["sessions"], sums["ended_sessions"], sums["session_seconds"] = len(begun), len(lasting), sum(lasting)
        sums["active_users"] = self.active(key)
        sums["new_users"] = sum(count for day, count in self.firsts.items() if day.startswith(key))
        sums.update({f"feature:{feature}": users for feature, users in features.items()})
        reported = [turn for turn in turns if turn["recorded_by"] == "user"]
        sums.update({f"reported{name}": amount for name, amount in _use(reported).items()})
        for dimension in DIMENSIONS:
            for prefix, group in ((dimension, served), (f"{dimension}_reported", reported)):
                for value, its in grouped(group, dimension).items():
                    sums.update({f"{prefix}{name}:{value}": amount for name, amount in _use(its).items()})
        return {measure: value for measure, value in sums.items() if value}

    def features(self, month: str) -> dict[str, int]:
        """Users with turns in a month of their own calendar, by feature that they used in it."""
        used: Counter[str] = Counter()
        for (_, period, key), counted in self.stored.periods.items():
            if period == "monthly" and key == month and counted.turns:
                used["bookmarking"] += bool(counted.bookmarks)
                used["multiple_personalities"] += len(counted.by("personality_used")) > 1
                used["follow_up_questions"] += follow_ups(counted.turns) > 0
        return ranked((+used).elements())

    def cohorts(self) -> dict[date, list[int]]:
        """Days from the first to the last with turns, of the users who began on a day."""
        found: dict[date, list[int]] = defaultdict(list)
        for counted in self.stored.users.values():
            zone = ZoneInfo(counted.zone)
            first, last = (turn.at.astimezone(zone).date() for turn in (counted.turns[0], counted.turns[-1]))
            found[first].append((last - first).days)
        return dict(found)

    def questions(self, month: str, without: Iterable[str] = ()) -> list[Fields]:
        """Common questions of a month of UTC in their order."""
        left_out, asked = set(without), defaultdict(list)
        for turn in self.turns_of(month):
            if text := normalised(turn["user_query"] or ""):
                asked[text].append(turn)
        rows = []
        for text, turns in asked.items():
            kept = [turn for turn in turns if turn["user_id"] not in left_out]
            a_day = Counter((turn["user_id"], turn.at.day) for turn in kept)
            row: Fields = {
                "question": text[:500],
                "askers": len({user for user, _ in a_day}),
                "frequency": sum(min(A_DAY, count) for count in a_day.values()),
                "ratings": len(ratings(kept)),
                "avg_rating": mean(ratings(kept)),
            }
            if row["askers"] >= ASKERS:
                rows.append(row)
        return sorted(rows, key=lambda row: (-row["askers"], -row["frequency"], row["question"]))

    def use(self, dimension: str, interval: str, first: str, last: str) -> Fields:
        """`GET /api/admin/analytics`; from one day to another, of months whole."""
        length = 7 if interval == "month" else 10
        keys = {day[:length] for day in self._turns.keys() | self._sessions.keys()}
        if interval == "month":
            keys |= set(self.months)
        within = [key for key in sorted(keys) if first[:length] <= key <= last[:length]]
        periods = [(key, self.turns_of(key)) for key in within]
        items = [self._use_of(key, [key], turns, dimension) for key, turns in periods]
        total = self._use_of("total", within, [turn for _, turns in periods for turn in turns], dimension)
        return {"by": dimension, "first_day": first, "last_day": last, "items": items, "total": total}

    def _use_of(self, name: str, keys: Sequence[str], turns: Sequence[Turn], dimension: str) -> Fields:
        served, reported = of_servers(turns), [turn for turn in turns if turn["recorded_by"] == "user"]
        by_value, reports = grouped(served, dimension), grouped(reported, dimension)
        groups = [
            {"value": value} | _shown(by_value.get(value, [])) | {"reported": _shown(reports.get(value, []))}
            for value in by_value.keys() | reports.keys()
        ]
        begun = sum(len(found) for day, found in self._sessions.items() if any(map(day.startswith, keys)))
        return {
            "period": name,
            "sessions": begun,
            **_shown(served),
            "reported": _shown(reported),
            "groups": sorted(groups, key=lambda one: (-one["cost_usd"], -one["interactions"], one["value"])),
        }


def grouped(turns: Iterable[Turn], dimension: str) -> dict[str, list[Turn]]:
    """Turns by the values of a dimension; what only users have names for is one of them."""
    found: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        found[UNTOLD if dimension in turn["unvouched"] else turn[DIMENSIONS[dimension]]].append(turn)
    return dict(found)


def _use(turns: Sequence[Turn]) -> dict[str, int]:
    """By what is added to a measure's name."""
    return {"": len(turns), "_tokens": tokens(turns), "_cost_nano_usd": nano(turns), "_unpriced": unpriced(turns)}


def _shown(turns: Sequence[Turn]) -> dict[str, Any]:
    return {
        "interactions": len(turns),
        "tokens": tokens(turns),
        "cost_usd": usd(turns),
        "unpriced_interactions": unpriced(turns),
    }


def _cohort(began: date, spans: Sequence[int]) -> Fields:
    returned = {days: sum(span >= days for span in spans) for days in RETURNS}
    sums = {"users": len(spans)} | {f"day_{days}": count for days, count in returned.items() if count}
    return {
        "partition_key": "platform",
        "analytics_period": "cohort",
        "period_key": f"{began}",
        "first_activity": None,
        "last_activity": None,
        "sums": sums,
        "users": len(spans),
        **{f"returned_day_{days}": count for days, count in returned.items()},
    }


def normalised(text: str) -> str:
    """A question's text without case, width, spacing, punctuation and a trailing counter."""
    folded = unicodedata.normalize("NFKC", text[:4000]).casefold().strip()
    end = len(folded)
    while end and not (folded[end - 1].isalnum() or folded[end - 1] == "_"):
        end -= 1
    start = end
    while start and folded[start - 1].isdecimal():
        start -= 1
    if 0 < end - start <= 6:
        before = folded[:start]
        signed = before[-1:] in tuple("#№([") and before[-2:-1].isspace()
        if before.rstrip()[-1:] in tuple("?!.。।؟") or signed:
            folded = before
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMNS" else " " for c in folded).split())
