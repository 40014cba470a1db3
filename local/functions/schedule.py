"""When a timer is due: NCRONTAB expressions and time spans, in UTC.

NCRONTAB has six fields, seconds first (or five, without them), and differs from cron in one point: a day has to satisfy
both the day of the month and the day of the week.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from croniter import CroniterBadCronError, croniter

from local.functions.retry import parse_time_span


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
        following = croniter(self.expression, moment, second_at_beginning=True, day_or=False).get_next(datetime)
        return following.astimezone(UTC)

    @property
    def is_frequent(self) -> bool:
        first = self.next_after(datetime(2001, 1, 1, tzinfo=UTC))
        return self.next_after(first) - first < timedelta(minutes=1)


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
    """An NCRONTAB expression or a time span `hh:mm:ss`; raises `ValueError` for anything else."""
    text = expression.strip()
    if ":" in text:
        seconds = parse_time_span(text)
        if seconds <= 0:
            raise ValueError(f"'{text}' is not an interval.")
        return IntervalSchedule(seconds)
    if len(text.split()) in (5, 6):
        try:
            schedule = CronSchedule(text)
            schedule.next_after(datetime(2001, 1, 1, tzinfo=UTC))
        except (CroniterBadCronError, ValueError) as error:
            raise ValueError(f"'{text}' is not a valid cron expression: {error}") from error
        return schedule
    raise ValueError(f"the schedule expression '{text}' was not recognized as a cron expression or a time span.")
