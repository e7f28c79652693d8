"""The one rule that moves an orchestration: a snapshot and a time in, events out. No clock, no I/O, no randomness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cursor_monitor.domain.events import Event
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import RUN_TERMINAL, OrchestrationStatus
from cursor_monitor.engine import budgets
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.rules import (
    beginning,
    choosing,
    dispatch,
    ending,
    evidence,
    limits,
    merging,
    planning,
    profile,
    review,
    stuck,
)
from cursor_monitor.engine.rules.common import Events, deadline

Rule = Callable[[Snapshot, datetime], Events]

RECONCILING: tuple[Rule, ...] = (
    ending.cancel_stuck_runs,
    stuck.stop_loops,
    ending.end_failed_attempts,
    ending.drop_held_followups,
    ending.cancel_live_attempts,
    ending.stop,
)
"""Looked at whatever the status, so that what happened outside is settled even while nothing may start."""

ADVANCING: tuple[Rule, ...] = (
    beginning.make_plan,
    planning.read_answer,
    planning.fall_back,
    beginning.ask_for_approval,
    beginning.start,
    profile.take_over_rules,  # only where something is about to begin is the profile looked up
    planning.launch_planner,
    beginning.release_held,
    merging.fail_on_conflicts,
    limits.warn_of_budgets,  # before what may block on one, and again after what uses it
    stuck.send_another_way,
    evidence.assess_finished_runs,
    review.settle_reviews,
    review.launch_reviewers,
    dispatch.settle_failed_tasks,
    choosing.skip_needless_candidates,
    choosing.keep_the_best,
    dispatch.skip_unreachable_tasks,
    merging.skip_needless_merges,
    dispatch.launch_ready_tasks,
    stuck.ask_about_stuck_tasks,
    choosing.ask_for_choice,
    limits.warn_of_budgets,
    dispatch.finish,
    limits.block_when_time_is_over,
)
"""Looked at only while the orchestration may go on."""

_MAY_ADVANCE = frozenset({OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows now, the state after it, and when to look again although nothing happened."""

    events: tuple[Event, ...]
    snapshot: Snapshot
    wake_at: datetime | None


def decide(snapshot: Snapshot, now: datetime) -> Decision:
    """Apply every rule in order, each seeing what the ones before decided; deciding again at once changes nothing."""
    events: list[Event] = []
    for rule in RECONCILING + ADVANCING:
        if snapshot.is_terminal:
            break
        if rule in ADVANCING and (snapshot.is_cancelling or snapshot.status not in _MAY_ADVANCE):
            break
        for event in rule(snapshot, now):
            snapshot = evolve(snapshot, event)
            events.append(event)
    return Decision(tuple(events), snapshot, _wake_at(snapshot, now))


def _wake_at(snapshot: Snapshot, now: datetime) -> datetime | None:
    if snapshot.is_terminal:
        return None
    deadlines = [
        deadline(snapshot, attempt.run.started_at)
        for attempt in snapshot.live_attempts
        if attempt.run is not None
        and attempt.run.status not in RUN_TERMINAL
        and attempt.cancelling_run_id != attempt.run.id
    ]
    if snapshot.status in _MAY_ADVANCE:
        # One that has passed said all it had to say.
        times = [*budgets.wake_times(snapshot), *evidence.check_times(snapshot)]
        deadlines += [at for at in times if at > now]
    return min(deadlines, default=None)
