"""The histories: folding the events of each orchestration gives its rows, and no limit was passed at any event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from chaos.evidence import Evidence
from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.engine.budgets import Use, uses
from cursor_monitor.engine.fold import begin, evolve
from cursor_monitor.store.database import reading
from cursor_monitor.store.events import load_history
from tests.support.replay import assert_replay


def not_rebuilt(given: Evidence) -> Iterator[str]:
    """The orchestrations whose events give something else than their rows."""
    for key in given.launched:
        try:
            assert_replay(key)
        except AssertionError as error:
            yield f"{key}: its events do not rebuild its rows: {str(error)[:300]}"


def overdrawn(given: Evidence) -> Iterator[str]:
    """Every limit that was passed, at which event."""
    for key in given.launched:
        with reading() as session:
            history = load_history(session, UUID(key))
        if history:
            yield from (f"{key}: {wrong}" for wrong in passed_limits(key, history))


def passed_limits(orchestration_id: str, history: Sequence[e.Event]) -> Iterator[str]:
    """Every event at which more was under way or used than was allowed just then."""
    first = history[0]
    assert isinstance(first, e.OrchestrationRequested)
    before = begin(orchestration_id, first)
    for event in history[1:]:
        after = evolve(before, event)
        live, most = len(after.live_attempts), after.options.max_parallel_agents
        if live > most and live > len(before.live_attempts):
            yield f"event {after.seq}: {live} agents at once, {most} are allowed"
        if isinstance(event, e.AttemptRequested | e.FollowUpRequested):
            yield from (f"event {after.seq}: {wrong}" for wrong in _overdrawn(before, event, after))
        before = after


def _overdrawn(before: Snapshot, event: e.AttemptRequested | e.FollowUpRequested, after: Snapshot) -> Iterator[str]:
    """More agents or follow-ups than allowed, or one begun after the money or the time was used."""
    for use in uses(after, event.at):
        if use.budget in ("max_agents", "max_followups") and use.allowed is not None and use.used > use.allowed:
            yield f"{use.used:g} of {use.allowed:g} {use.budget}"
    for use in uses(before, event.at):
        if use.budget in ("budget_cents", "wall_hours") and _is_used_up(use):
            yield f"begun with {use.used:g} of {use.allowed:g} {use.budget} used"
    task = after.task(event.task_key)
    attempt = next(a for a in task.attempts if a.agent_id == event.agent_id)
    if attempt.iterations > after.options.max_iterations:
        yield f"{attempt.iterations} follow-ups to one agent, {after.options.max_iterations} are allowed"
    allowed = task.attempts_allowed or after.options.max_attempts
    if len(task.attempts) > allowed:
        yield f"{len(task.attempts)} agents for task {task.key}, {allowed} are allowed"


def _is_used_up(use: Use) -> bool:
    return use.allowed is not None and use.used >= use.allowed
