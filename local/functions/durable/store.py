"""The state of the orchestrations in SQLite: instances, their histories, what has arrived for them, activities to run.

Whatever belongs together changes in one transaction, so a host that is killed leaves the state before or after it. An
activity's row stays until its result is stored: it may run again after a crash, its result is stored once.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.functions.durable.events import Event, Kind, event
from local.functions.durable.instances import Instance, Parent
from local.functions.durable.plan import Plan
from local.functions.durable.turn import Call, Turn

_PARKED = 1e18
"""When an external event is due that nobody waits for yet."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, version TEXT, status TEXT NOT NULL, input TEXT,
    output TEXT NOT NULL, custom_status TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL, plan TEXT NOT NULL,
    parent_id TEXT, parent_execution TEXT, parent_number INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    id TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, due REAL NOT NULL, name TEXT, timer INTEGER,
    event TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_by_due ON inbox (due, id);
CREATE INDEX IF NOT EXISTS inbox_by_id ON inbox (id, due);
CREATE TABLE IF NOT EXISTS activities (
    id TEXT NOT NULL, execution TEXT NOT NULL, number INTEGER NOT NULL, function TEXT NOT NULL, input TEXT,
    PRIMARY KEY (id, execution, number)
);
"""
_MOST_MESSAGES = 1000


class StateInUseError(Exception):
    """Another host works on the same state."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that has arrived for an instance."""

    number: int
    event: Event


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that is to be run; `input_text` is JSON."""

    instance_id: str
    execution: str
    number: int
    function: str
    input_text: str | None


class Store:
    """The state in one file, or in memory without one. Used from one thread; raises `StateInUseError` at the start."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise StateInUseError(f"{path} is in use by another host, or cannot be written: {error}") from error

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # instances

    def read(self, instance_id: str) -> Instance | None:
        """One instance."""
        row = self._db.execute("SELECT * FROM instances WHERE id = ?", [instance_id]).fetchone()
        return _instance(row) if row else None

    def read_all(self) -> list[Instance]:
        """All instances, the newest first."""
        rows = self._db.execute("SELECT * FROM instances ORDER BY created DESC, id")
        return [_instance(row) for row in rows]

    def history(self, instance_id: str) -> list[str]:
        """The events of an instance, as JSON."""
        rows = self._db.execute("SELECT event FROM history WHERE id = ? ORDER BY position", [instance_id])
        return [row[0] for row in rows]

    def start(self, instance_id: str, name: str, input_text: str | None, version: str | None, moment: float) -> bool:
        """Starts an instance, in the place of one that has ended; False if one with this id is active."""
        with self._transaction():
            return self._start(Call(0, name, input_text, instance_id, version), instance_id, None, moment)

    def end(self, instance: Instance, status: str, output: Any, moment: float) -> None:
        """Ends an active instance from outside."""
        with self._transaction():
            self._db.execute(
                "UPDATE instances SET status = ?, output = ?, updated = ? WHERE id = ?",
                [status, json.dumps(output), moment, instance.id],
            )
            self._clear(instance.id)
            self._tell_parent(instance, status, output, moment)

    def switch(self, instance_id: str, status: str, moment: float) -> None:
        """Suspends an active instance, or lets it run."""
        with self._transaction():
            self._db.execute("UPDATE instances SET status = ?, updated = ? WHERE id = ?", [status, moment, instance_id])

    def purge(self, instance_ids: Iterable[str]) -> None:
        """Forgets instances with all that belongs to them."""
        with self._transaction():
            for instance_id in instance_ids:
                self._clear(instance_id)
                self._db.execute("DELETE FROM history WHERE id = ?", [instance_id])
                self._db.execute("DELETE FROM instances WHERE id = ?", [instance_id])

    # what has arrived

    def raise_event(self, instance_id: str, name: str, input_text: str, moment: float) -> None:
        """Stores an external event for an instance."""
        with self._transaction():
            self._send(instance_id, event(Kind.EVENT_RAISED, moment, Name=name, Input=input_text), moment, name=name)

    def ready(self, moment: float) -> list[str]:
        """The instances that have something to work on."""
        rows = self._db.execute(
            "SELECT DISTINCT inbox.id FROM inbox JOIN instances ON instances.id = inbox.id "
            "WHERE inbox.due <= ? AND instances.status IN ('Pending', 'Running')",
            [moment],
        )
        return [row[0] for row in rows]

    def next_due(self, moment: float) -> float | None:
        """When the next timer is due after `moment`, None if there is none."""
        row = self._db.execute("SELECT min(due) FROM inbox WHERE due > ? AND due < ?", [moment, _PARKED]).fetchone()
        return None if row[0] is None else float(row[0])

    def messages(self, instance_id: str, moment: float) -> list[Message]:
        """What has arrived for an instance, in its order."""
        rows = self._db.execute(
            "SELECT number, event FROM inbox WHERE id = ? AND due <= ? ORDER BY due, number LIMIT ?",
            [instance_id, moment, _MOST_MESSAGES],
        )
        return [Message(number, json.loads(text)) for number, text in rows]

    def park(self, messages: Iterable[Message]) -> None:
        """Puts external events aside until they are waited for."""
        self._db.executemany("UPDATE inbox SET due = ? WHERE number = ?", [[_PARKED, each.number] for each in messages])

    # turns and activities

    def commit(self, instance: Instance, taken: Sequence[Message], turn: Turn, plan: Plan, moment: float) -> bool:
        """Stores a turn; False, and nothing is stored, if the instance was ended, suspended or replaced meanwhile."""
        with self._transaction():
            if not self._update(instance, turn, plan, moment):
                return False
            self._db.executemany("DELETE FROM inbox WHERE number = ?", [[each.number] for each in taken])
            if turn.restarts:
                self._restart(instance, turn, moment)
            else:
                self._add_history(instance.id, turn.events)
            if turn.status == "Running" and not turn.restarts:
                self._schedule(instance, turn, plan, moment)
            elif turn.status != "Running":
                self._clear(instance.id)
                self._tell_parent(instance, turn.status, turn.output, moment)
            return True

    def activities(self, limit: int) -> list[Activity]:
        """The activities that are to be run, the oldest first, those that are running included."""
        rows = self._db.execute(
            "SELECT activities.id, activities.execution, number, function, activities.input FROM activities "
            "JOIN instances ON instances.id = activities.id ORDER BY activities.rowid LIMIT ?",
            [limit],
        )
        return [Activity(*row) for row in rows]

    def finish(self, activity: Activity, completion: Event, moment: float) -> None:
        """Stores the result of an activity, unless it has one or its instance has ended."""
        with self._transaction():
            removed = self._db.execute(
                "DELETE FROM activities WHERE id = ? AND execution = ? AND number = ?",
                [activity.instance_id, activity.execution, activity.number],
            )
            if removed.rowcount:
                self._send(activity.instance_id, completion, moment)

    # parts of transactions

    def _start(self, call: Call, instance_id: str, parent: Parent | None, moment: float) -> bool:
        earlier = self.read(instance_id)
        if earlier is not None and earlier.is_active:
            return False
        self._clear(instance_id)
        self._db.execute("DELETE FROM history WHERE id = ?", [instance_id])
        execution = uuid.uuid4().hex
        family = [parent.instance_id, parent.execution, parent.number] if parent else [None, None, None]
        values = [instance_id, execution, call.function, call.version, "Pending", call.input_text, "null", "null"]
        self._db.execute(
            "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*values, moment, moment, Plan().as_json(), *family],
        )
        self._send_start(instance_id, execution, call, moment)
        return True

    def _send_start(self, instance_id: str, execution: str, call: Call, moment: float) -> None:
        started = event(
            Kind.EXECUTION_STARTED,
            moment,
            Name=call.function,
            Version=call.version,
            Input=call.input_text,
            OrchestrationInstance={"InstanceId": instance_id, "ExecutionId": execution},
        )
        self._send(instance_id, started, moment)

    def _update(self, instance: Instance, turn: Turn, plan: Plan, moment: float) -> bool:
        changed = self._db.execute(
            "UPDATE instances SET status = ?, output = ?, custom_status = ?, plan = ?, updated = ? "
            "WHERE id = ? AND execution = ? AND status IN ('Pending', 'Running')",
            [
                turn.status,
                json.dumps(turn.output),
                json.dumps(turn.custom_status),
                plan.as_json(),
                moment,
                instance.id,
                instance.execution,
            ],
        )
        return changed.rowcount == 1

    def _restart(self, instance: Instance, turn: Turn, moment: float) -> None:
        """Begins a new history; external events that were not waited for are kept."""
        execution = uuid.uuid4().hex
        self._db.execute("DELETE FROM history WHERE id = ?", [instance.id])
        self._db.execute("DELETE FROM activities WHERE id = ?", [instance.id])
        self._db.execute("DELETE FROM inbox WHERE id = ? AND name IS NULL", [instance.id])
        self._db.execute(
            "UPDATE instances SET execution = ?, input = ?, plan = ? WHERE id = ?",
            [execution, turn.restart_input, Plan().as_json(), instance.id],
        )
        call = Call(0, instance.name, turn.restart_input, instance.id, instance.version)
        self._send_start(instance.id, execution, call, moment)

    def _schedule(self, instance: Instance, turn: Turn, plan: Plan, moment: float) -> None:
        self._db.executemany(
            "INSERT INTO activities (id, execution, number, function, input) VALUES (?, ?, ?, ?, ?)",
            [
                [instance.id, instance.execution, call.number, call.function, call.input_text]
                for call in turn.activities
            ],
        )
        for number, due in turn.timers:
            self._send(instance.id, event(Kind.TIMER_FIRED, max(due, moment), TimerId=number), due, timer=number)
        self._db.executemany(
            "DELETE FROM inbox WHERE id = ? AND timer = ?", [[instance.id, number] for number in turn.cancelled]
        )
        for call in turn.children:
            self._start_child(instance, call, moment)
        for name, count in plan.waits.items():
            self._db.execute(
                "UPDATE inbox SET due = ? WHERE number IN "
                "(SELECT number FROM inbox WHERE id = ? AND name = ? AND due = ? ORDER BY number LIMIT ?)",
                [moment, instance.id, name, _PARKED, count],
            )

    def _start_child(self, instance: Instance, call: Call, moment: float) -> None:
        parent = Parent(instance.id, instance.execution, call.number)
        child_id = call.instance_id or f"{instance.id}:{instance.execution[:8]}:{call.number:04x}"
        if not self._start(call, child_id, parent, moment):
            reason = f"An orchestration instance with the id '{child_id}' is running already."
            self._send(instance.id, _child_failed(call.number, reason, moment), moment)

    def _tell_parent(self, instance: Instance, status: str, output: Any, moment: float) -> None:
        parent = instance.parent and self.read(instance.parent.instance_id)
        if not parent or not instance.parent or not parent.is_active or parent.execution != instance.parent.execution:
            return
        number = instance.parent.number
        completion = (
            event(Kind.SUB_ORCHESTRATION_COMPLETED, moment, TaskScheduledId=number, Result=json.dumps(output))
            if status == "Completed"
            else _child_failed(number, str(output), moment)
        )
        self._send(parent.id, completion, moment)

    def _send(
        self, instance_id: str, arrived: Event, due: float, *, name: str | None = None, timer: int | None = None
    ) -> None:
        self._db.execute(
            "INSERT INTO inbox (id, due, name, timer, event) VALUES (?, ?, ?, ?, ?)",
            [instance_id, due, name, timer, json.dumps(arrived)],
        )

    def _add_history(self, instance_id: str, events: Iterable[Event]) -> None:
        row = self._db.execute("SELECT max(position) FROM history WHERE id = ?", [instance_id]).fetchone()
        first = 0 if row[0] is None else row[0] + 1
        self._db.executemany(
            "INSERT INTO history (id, position, event) VALUES (?, ?, ?)",
            [[instance_id, position, json.dumps(each)] for position, each in enumerate(events, first)],
        )

    def _clear(self, instance_id: str) -> None:
        """Removes what an instance that has ended would still get or do."""
        self._db.execute("DELETE FROM inbox WHERE id = ?", [instance_id])
        self._db.execute("DELETE FROM activities WHERE id = ?", [instance_id])


def _child_failed(number: int, reason: str, moment: float) -> Event:
    return event(Kind.SUB_ORCHESTRATION_FAILED, moment, TaskScheduledId=number, Reason=reason, Details="")


def _instance(row: Sequence[Any]) -> Instance:
    *values, parent_id, execution, number = row
    values.append(Parent(parent_id, execution, number) if parent_id is not None else None)
    return Instance(*values)
