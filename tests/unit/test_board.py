"""Where work stands on the board, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cursor_monitor.domain.board import Column, Pull, Work, place
from cursor_monitor.domain.status import OrchestrationStatus as Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JUST_NOW, LONG_AGO = NOW - timedelta(hours=1), NOW - timedelta(days=3)
PULL = Pull("https://github.com/acme/web/pull/7", "open", "passed", True)


def completed(*pulls: Pull, ended_at: datetime = JUST_NOW) -> Work:
    return Work(Status.COMPLETED, ended_at=ended_at, pulls=pulls)


@pytest.mark.parametrize(
    ("work", "column", "tone", "why"),
    [
        (Work(Status.QUEUED), Column.WAITING, "quiet", "a worker"),
        (Work(Status.QUEUED, held="a worker; none is online"), Column.WAITING, "quiet", "a worker; none is online"),
        (Work(Status.RUNNING, active_agents=1), Column.WORKING, "running", "1 agent at work"),
        (Work(Status.RUNNING, active_agents=3), Column.WORKING, "running", "3 agents at work"),
        (Work(Status.RUNNING, no_slot="account limit 2 of 2"), Column.WAITING, "quiet", "account limit 2 of 2"),
        (Work(Status.RUNNING), Column.WAITING, "quiet", "its next step, by a worker"),
        (Work(Status.PAUSED), Column.WAITING, "paused", "paused by a person, until it is resumed"),
        (Work(Status.WAITING), Column.RESPOND, "person", "its plan waits for approval"),
        (
            Work(Status.BLOCKED, reason="The agent budget is used."),
            Column.RESPOND,
            "person",
            "The agent budget is used.",
        ),
        (Work(Status.ERROR, reason="it broke", ended_at=JUST_NOW), Column.RESPOND, "bad", "failed: it broke"),
        (Work(Status.PARTIAL, ended_at=JUST_NOW), Column.RESPOND, "bad", "some of it failed"),
        (Work(Status.ERROR, ended_at=LONG_AGO), Column.DONE, "bad", "failed"),
        (Work(Status.STOPPED, ended_at=JUST_NOW), Column.DONE, "gone", "stopped by a person"),
        (completed(), Column.DONE, "good", "completed"),
        (completed(PULL), Column.MERGE, "person", "PR 7 is green"),
        (completed(PULL, ended_at=LONG_AGO), Column.MERGE, "person", "PR 7 is green"),
        (completed(replace(PULL, state="draft")), Column.REVIEW, "person", "PR 7 is a draft"),
        (completed(replace(PULL, checks="none")), Column.REVIEW, "person", "PR 7 is open"),
        (completed(replace(PULL, mergeable=None)), Column.REVIEW, "person", "PR 7 is open"),
        (completed(replace(PULL, checks="pending")), Column.WAITING, "quiet", "checks of PR 7 are under way"),
        (completed(replace(PULL, checks="failed")), Column.RESPOND, "bad", "checks of PR 7 failed"),
        (completed(replace(PULL, mergeable=False)), Column.RESPOND, "person", "PR 7 conflicts with its base"),
        (completed(replace(PULL, state="merged")), Column.DONE, "good", "merged"),
        (completed(replace(PULL, state="closed")), Column.DONE, "good", "completed"),
        (completed(Pull(PULL.url)), Column.REVIEW, "person", "PR 7 is open as far as is known"),
        (completed(Pull(PULL.url), ended_at=LONG_AGO), Column.DONE, "good", "completed"),
    ],
)
def test_the_next_act_of_a_person_decides(work: Work, column: Column, tone: str, why: str) -> None:
    found = place(work, NOW)
    assert (found.column, found.tone, found.why) == (column, tone, why)


@pytest.mark.parametrize("status", list(Status))
def test_only_a_failure_is_red_and_only_a_decision_amber(status: Status) -> None:
    found = place(Work(status, ended_at=JUST_NOW), NOW)
    assert (found.tone == "bad") == (status in (Status.ERROR, Status.PARTIAL))
    assert (found.tone == "person") == (status in (Status.WAITING, Status.BLOCKED))
    assert (found.act is not None) == (found.column is Column.RESPOND)


def test_of_several_pull_requests_the_one_that_needs_a_person_most_speaks() -> None:
    red = replace(PULL, url="https://github.com/acme/web/pull/9", checks="failed")
    merged = replace(PULL, url="https://github.com/acme/web/pull/8", state="merged")
    found = place(completed(merged, PULL, red), NOW)
    assert (found.column, found.pull) == (Column.RESPOND, red.url)
    assert place(completed(merged, PULL), NOW).column is Column.MERGE
