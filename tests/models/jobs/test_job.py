"""A job's document: who has it, when it is looked at, and what each step leaves of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.jobs.job import LONGEST_PAUSE, PLATFORM_JOBS, Job

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PATIENCE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)


def a_job() -> Job:
    job_id = "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11"
    return Job.promised(
        "rebuild", job_id, PLATFORM_JOBS, {}, NOW, due=timedelta(hours=1), patience=PATIENCE, asker="staff"
    )


def test_whoever_promises_a_job_drives_it_first() -> None:
    job = a_job()
    assert (job.attempts, job.is_driven(NOW), job.is_driven(NOW + PATIENCE)) == (1, True, False)
    assert job.watched_from == NOW + PATIENCE


def test_each_driver_has_longer_to_show_itself_than_the_one_before() -> None:
    job, pauses = a_job(), []
    for _ in range(8):
        moment = job.driven_until
        job = job.claimed(moment, PATIENCE)
        pauses.append(job.driven_until - moment)
    assert pauses == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE, 32 * MINUTE, *[LONGEST_PAUSE] * 3]
    assert len({a_job().instance_id, job.instance_id}) == 2


def test_a_driver_that_could_not_be_started_has_it_no_longer_and_its_number_is_not_used_again() -> None:
    job = a_job().released(NOW + MINUTE)
    assert (job.is_driven(NOW + MINUTE), job.watched_from, job.attempts) == (False, NOW + MINUTE, 1)
    assert job.claimed(NOW + MINUTE, PATIENCE).attempts == 2


def test_a_driver_that_waits_has_the_job_for_that_long_and_some_more() -> None:
    job = a_job().stepped("here", {"turns": 1}, NOW, timedelta(minutes=10), PATIENCE)
    assert (job.position, job.progress, job.steps, job.state) == ("here", {"turns": 1}, 1, "running")
    assert job.driven_until == job.watched_from == NOW + timedelta(minutes=12)


def test_what_is_overdue_is_looked_at_whoever_has_it() -> None:
    job = a_job().stepped(None, {}, NOW + 70 * MINUTE, timedelta(0), PATIENCE)
    assert job.is_driven(NOW + 71 * MINUTE)
    assert job.is_overdue(NOW + 71 * MINUTE)
    assert job.watched_from == job.due_at


def test_a_step_that_fails_leaves_the_place_and_one_that_is_done_forgets_the_failure() -> None:
    job = a_job().stepped("here", {}, NOW, timedelta(0), PATIENCE).failed("X" * 900, NOW, MINUTE, PATIENCE)
    assert (job.position, job.steps, job.failures, len(job.problem or "")) == ("here", 1, 1, 500)
    job = job.stepped("there", {}, NOW, timedelta(0), PATIENCE)
    assert (job.failures, job.problem) == (0, None)


def test_what_has_ended_is_not_looked_at_any_more_and_goes_after_a_while() -> None:
    job = a_job().completed({"turns": 3}, NOW + MINUTE, timedelta(days=7))
    assert (job.has_ended, job.watched_from, job.ttl) == (True, None, 7 * 86_400)
    assert not job.is_overdue(NOW + timedelta(days=1))
    assert "watched_from" in job.body()
