"""Remembers when timers ran, so that a run which was missed while no host ran is made up for (`use_monitor`)."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """When a timer ran last (`NEVER` if it has not), when it is due next, and when this was noted; in UTC."""

    last: datetime
    next: datetime
    last_updated: datetime

    def as_json(self) -> dict[str, str]:
        """In the names and the form that a function sees as `schedule_status`."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


class TimerStateFile:
    """The status of one timer in a file, `<data>/timers/<function>.json`."""

    def __init__(self, data: Path, function_name: str) -> None:
        self._path = data / "timers" / f"{function_name}.json"

    def read(self) -> TimerStatus | None:
        """None if the timer has never been noted, or what was noted is unreadable."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            moments = [datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated")]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return TimerStatus(*moments)

    def write(self, status: TimerStatus) -> None:
        """Replaces the file as a whole, so that a crash leaves the old or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(status.as_json()), encoding="utf-8")
        draft.replace(self._path)
