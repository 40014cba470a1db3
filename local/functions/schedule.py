"""When a timer is due: NCRONTAB expressions and time spans, in UTC.

NCRONTAB has six fields, seconds first (or five, without them), and differs from cron in one point: a day has to satisfy
both the day of the month and the day of the week.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

_DAY = 86_400
_NEVER = datetime.max.replace(tzinfo=UTC)
_FIELD = re.compile(r"[0-9A-Za-z*/,\-]+")
_SPAN = re.compile(
    r"(?P<alone>\d+)|(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d{1,2})"
    r"(?::(?P<seconds>\d{1,2})(?P<fraction>\.\d{1,7})?)?"
)
_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]


class Schedule(Protocol):
    """The times at which a timer is due."""

    def next_after(self, moment: datetime) -> datetime:
        """The first due time after `moment`; both in UTC."""

    @property
    def is_frequent(self) -> bool:
        """Whether it comes more than once a minute; the state of such a timer is not kept."""


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """An NCRONTAB expression of five or six fields."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        try:
            following = croniter(self.expression, moment, second_at_beginning=True, day_or=False).get_next(datetime)
        except CroniterBadDateError:  # as the 30th of February: the host waits for ever
            return _NEVER
        return following.astimezone(UTC)

    @property
    def is_frequent(self) -> bool:
        first = self.next_after(datetime(2001, 1, 1, tzinfo=UTC))
        return first != _NEVER and self.next_after(first) - first < timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """A constant interval, counted from the previous run."""

    seconds: float

    def next_after(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.seconds)

    @property
    def is_frequent(self) -> bool:
        return self.seconds < 60


def parse_schedule(expression: str) -> Schedule:
    """An NCRONTAB expression or a .NET time span; raises `ValueError` for anything else."""
    text = expression.strip()
    if ":" in text or text.isdecimal():
        seconds = _span(text)
        if seconds <= 0:
            raise ValueError(f"'{text}' is not an interval.")
        return IntervalSchedule(seconds)
    fields = text.split(" ")
    if len(fields) not in (5, 6) or not all(_FIELD.fullmatch(field) for field in fields):
        raise ValueError(f"the schedule expression '{text}' was not recognized as a cron expression or a time span.")
    try:
        return CronSchedule(_as_croniter_reads(fields))
    except (CroniterBadCronError, ValueError) as error:
        raise ValueError(f"'{text}' is not a valid cron expression: {error}") from error


def _span(text: str) -> float:
    """Seconds in a time span: a number alone is days, as are hours above 23."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a time span; it is written hh:mm:ss.")
    if match["alone"]:
        return int(match["alone"]) * _DAY
    days, hours, minutes, seconds = (int(match[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    if hours > 23 and match["days"] is None and match["seconds"] and not match["fraction"]:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"'{text}' is not a time span.")
    return days * _DAY + hours * 3600 + minutes * 60 + seconds + float(match["fraction"] or 0)


def _as_croniter_reads(fields: list[str]) -> str:
    """The expression with numbers for names, ranges upwards, and steps of at least one; raises `ValueError`."""
    month, weekday = len(fields) - 2, len(fields) - 1
    written = list(fields)
    written[month] = _numbered(fields[month], _MONTHS, first=1)
    written[weekday] = _numbered(fields[weekday], _WEEKDAYS, first=0)
    if any(character.isalpha() for field in written for character in field) or re.search(r"\b7\b", written[weekday]):
        raise ValueError("letters are names of months and days, and days are 0 to 6")
    expression = re.sub(r"/0+\b", "/1", " ".join(written))
    expression = re.sub(r"\b(\d+)-(\d+)", lambda match: "-".join(sorted(match.groups(), key=int)), expression)
    croniter(expression, second_at_beginning=True)
    return expression


def _numbered(field: str, names: Sequence[str], first: int) -> str:
    """A field with numbers instead of names, whole or of three letters, in any case."""

    def number(match: re.Match[str]) -> str:
        word = match[0].lower()
        found = [index for index, name in enumerate(names) if word in (name, name[:3])]
        return str(found[0] + first) if found else match[0]

    return re.sub("[A-Za-z]+", number, field)
