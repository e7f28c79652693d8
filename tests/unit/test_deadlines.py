"""A handler that does not end is stopped at its deadline; one whose lease is lost is only stopped."""

from __future__ import annotations

import asyncio

import pytest

from cursor_monitor.domain.jobs import ClaimedJob, Done, Outcome
from worker.handlers import Handler
from worker.runner import Runner
from worker.wakeup import Wakeup


async def _for_ever(job: ClaimedJob) -> Outcome:
    await asyncio.Event().wait()
    return Done()


def _job(token: int, attempt: int = 1) -> ClaimedJob:
    return ClaimedJob(token, "advance", {}, None, None, attempt, 3, token)


def _runner(deadline: float) -> Runner:
    handlers = {"advance": Handler(_for_ever, deadline_seconds=deadline)}
    return Runner("w", handlers, Wakeup(), concurrency=9, lease_seconds=30, poll_seconds=5)


async def _ended(runner: Runner) -> None:
    tasks = [running.task for running in runner._running.values()]
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)


@pytest.mark.parametrize(("attempt", "becomes"), [(1, "pending"), (3, "failed")])
async def test_what_does_not_end_is_stopped_and_tried_again_as_often_as_it_may(attempt: int, becomes: str) -> None:
    runner = _runner(0.05)
    runner._start([_job(1, attempt)])
    await _ended(runner)
    assert [(found.status, found.error) for found in runner._settlements] == [(becomes, "no end after 0.05 s")]
    assert runner.running_count == 0


async def test_what_is_late_and_somebody_elses_by_now_is_not_settled() -> None:
    runner = _runner(0.0)
    runner._start([_job(1), _job(2)])
    await asyncio.sleep(0)
    runner._stop_late()
    runner.abandon({2})
    await _ended(runner)
    assert [found.job.id for found in runner._settlements] == [1]
