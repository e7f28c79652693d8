"""Agents that go in circles: looked for in what they did and said last, and told to the engine where that is new."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.loops import Loop, LoopKind
from cursor_monitor.domain.orchestration import Attempt
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.domain.text import storable
from cursor_monitor.engine.loops import WINDOW, find_loop
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.effects import locate
from cursor_monitor.store import agents, loops
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

log = logging.getLogger(__name__)

SILENT_MINUTES = 30
_AT_ONCE = 50
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class _Found:
    """A run that goes in circles, and up to which entry it was read."""

    run_id: str
    agent_id: str
    position: int
    loop: Loop


def look_for_loops() -> int:
    """Look at everything new since the last look, some runs at a time; how many loops were told of.

    What was looked at is noted with what follows from it, so that nothing is missed where a worker dies between.
    """
    told = 0
    for _ in range(_ROUNDS):
        count, found = _look()
        for one in found:
            try:
                told += _tell(one)
            except Unavailable:
                raise
            except Exception:  # one run must not keep the others from being looked at
                log.exception("a loop could not be told of", extra={"run_id": one.run_id})
        if count < _AT_ONCE:
            break
    return told


@transactional
def _look(session: Session) -> tuple[int, list[_Found]]:
    found: list[_Found] = []
    idle: dict[str, int] = {}
    news = loops.select_news(session, most=_AT_ONCE, window=WINDOW)
    for run in news:
        loop = find_loop(run.deeds)
        if loop is None:
            idle[run.run_id] = run.position
        else:
            found.append(_Found(run.run_id, run.agent_id, run.position, loop))
    loops.note_looked(session, idle)
    for quiet in loops.select_silent(session, minutes=SILENT_MINUTES, most=_AT_ONCE):
        at = quiet.position
        loop = Loop(LoopKind.SILENT, 1, f"for {quiet.minutes} minutes", "", at, at, quiet.is_certain)
        found.append(_Found(quiet.run_id, quiet.agent_id, at, loop))
    return len(news), found


@transactional
def _tell(session: Session, one: _Found) -> bool:
    run_id, agent_id, loop = one.run_id, one.agent_id, one.loop
    found = locate(session, agents.find(session, agent_id))
    if loop.kind is LoopKind.SILENT:
        loops.note_told(session, run_id, is_certain=loop.is_certain)
    else:
        loops.note_looked(session, {run_id: one.position})
    if found is None or found.snapshot.is_terminal or not _is_news(found.attempt, run_id, loop):
        return False
    seen = e.LoopDetected(
        at=database_now(session),
        task_key=found.task.key,
        agent_id=agent_id,
        run_id=run_id,
        kind=loop.kind,
        count=loop.count,
        action=storable(loop.action),
        result=storable(loop.result),
        first=loop.first,
        last=loop.last,
        is_certain=loop.is_certain,
    )
    record_facts(session, found.snapshot, [seen])
    return True


def _is_news(attempt: Attempt, run_id: str, loop: Loop) -> bool:
    """Told once when it is worth telling and once when it is certain, and never of a run that is over."""
    run, known = attempt.run, attempt.stuck
    if not attempt.is_live or run is None or run.id != run_id or run.status in RUN_TERMINAL:
        return False
    return known is None or known.run_id != run_id or (loop.is_certain and not known.is_certain)
