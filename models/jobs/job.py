"""A job: work that was promised, as a document of the database that it is about.

It is written in the transaction that makes the promise, and says all that is needed to go on. Whatever drives it may be
lost, replaced, or be there twice: each step begins from what the document says, may be repeated, and counts once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from models.core.document import Document
from models.core.values import Count, Timestamp, Uuid

PLATFORM_JOBS = "platform"
"""The partition of jobs that are no single user's."""

LONGEST_PAUSE = timedelta(hours=1)
MAX_PROBLEM = 500

JobAsker = Literal["user", "staff", "platform", "guardian", "retention"]
JobState = Literal["asked", "running", "completed"]

WorkState = Literal["running", "completed", "failed"]
"""As work is described to whoever asked for it. None fails: what holds it up is staff's to look at."""


class Job(Document):
    """Work that was promised. `id` is what its asker knows it by."""

    container: ClassVar[str] = "users"

    id: Uuid
    kind: Literal["job"] = "job"

    job: str = Field(description="Which kind of work: the name that its declaration has")
    request: dict[str, Any] = Field(description="What was asked for")
    asker: JobAsker = Field(description="Who asked: the user, staff, a guardian of theirs, or the platform itself")
    asked_by: Uuid | None = Field(default=None, description="The user_id of the staff who asked")
    asked_at: Timestamp = Field(description="When it was promised")
    for_revision: int | None = Field(
        default=None, description="Revision of the user's profile that the promise was made with, where it is about one"
    )
    due_at: Timestamp = Field(description="By when it should have ended: staff are told if it has not")

    state: JobState = Field(default="asked", description="How far it is")
    position: Any = Field(default=None, description="Where to go on; null at the beginning")
    progress: dict[str, Any] = Field(default_factory=dict, description="What it has done so far")
    steps: Count = Field(default=0, description="Steps that were done: one that began from an older number is dropped")
    stepped_at: Timestamp | None = Field(default=None, description="When the last one ended")
    ended_at: Timestamp | None = Field(default=None, description="When it was completed")

    attempts: Count = Field(default=1, description="How often a driver was started; the latest one drives")
    driven_until: Timestamp = Field(description="Its driver has it until then; another one is started after that")
    failures: Count = Field(default=0, description="Steps that have failed since one was done")
    problem: str | None = Field(default=None, max_length=MAX_PROBLEM, description="How the last step failed, by types")
    watched_from: Timestamp | None = Field(
        default=None,
        description="From then on it is looked at: the earlier of `driven_until` and `due_at`; null once it has ended",
    )

    @classmethod
    def promised(
        cls,
        job: str,
        job_id: str,
        partition: str,
        request: dict[str, Any],
        now: datetime,
        *,
        due: timedelta,
        patience: timedelta,
        asker: JobAsker,
        asked_by: str | None = None,
        for_revision: int | None = None,
    ) -> Self:
        """A job that is promised now; whoever promises it starts its first driver."""
        return cls(
            id=job_id,
            partition_key=partition,
            job=job,
            request=request,
            asker=asker,
            asked_by=asked_by,
            asked_at=now,
            for_revision=for_revision,
            due_at=now + due,
            driven_until=now + patience,
            watched_from=now + min(due, patience),
        )

    @property
    def has_ended(self) -> bool:
        return self.state == "completed"

    @property
    def instance_id(self) -> str:
        """The id of the orchestration that drives it: a new one for each attempt, since what became of the one before
        can't always be told."""
        return f"{self.job}-{self.id}-{self.attempts}"

    def is_driven(self, now: datetime) -> bool:
        """Whether somebody has it, as far as is known."""
        return now < self.driven_until

    def is_overdue(self, now: datetime) -> bool:
        return not self.has_ended and now >= self.due_at

    def claimed(self, now: datetime, patience: timedelta) -> Self:
        """Given to another driver, which has longer to show itself each time."""
        pause = min(patience * 2 ** min(self.attempts - 1, 10), max(patience, LONGEST_PAUSE))
        return self._written(attempts=self.attempts + 1, driven_until=now + pause)

    def released(self, now: datetime) -> Self:
        """Without the driver it was given to, which could not be started."""
        return self._written(driven_until=now)

    def stepped(
        self, position: Any, progress: dict[str, Any], now: datetime, wait: timedelta, patience: timedelta
    ) -> Self:
        """A step further. `wait` is how long the next one has to wait."""
        done = {"steps": self.steps + 1, "stepped_at": now, "failures": 0, "problem": None}
        place = {"state": "running", "position": position, "progress": progress}
        return self._written(**done, **place, driven_until=now + wait + patience)

    def failed(self, problem: str, now: datetime, wait: timedelta, patience: timedelta) -> Self:
        """As it was, after a step that failed. It is tried again after `wait`."""
        failure = {"failures": self.failures + 1, "problem": problem[:MAX_PROBLEM]}
        return self._written(**failure, driven_until=now + wait + patience)

    def completed(self, progress: dict[str, Any], now: datetime, kept: timedelta) -> Self:
        """At its end. It is kept for a while, for whoever asks what became of it."""
        done = {"steps": self.steps + 1, "stepped_at": now, "ended_at": now, "failures": 0, "problem": None}
        end = {"state": "completed", "position": None, "progress": progress}
        ended = self._written(**done, **end, driven_until=now)
        return ended.model_copy(update={"watched_from": None, "ttl": max(1, int(kept.total_seconds()))})

    def _written(self, **changes: Any) -> Self:
        changed = self.model_copy(update=changes | {"revision": self.revision + 1})
        return changed.model_copy(update={"watched_from": min(changed.driven_until, changed.due_at)})
