"""Agents that go in circles: looked for in what they did and said last, and told to the engine where that is new."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.loops import Loop, LoopKind
from cursor_monitor.domain.orchestration import Attempt
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.domain.text import storable
from cursor_monitor.engine.loops import WINDOW, find_loop
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.attempts import locate
from cursor_monitor.store import agents, loops
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

SILENT_MINUTES = 30
_AT_ONCE = 50
_ROUNDS = 20


def look_for_loops() -> int:
    """Look at everything new since the last look, some runs at a time; how many loops were told of."""
    told = 0
    for _ in range(_ROUNDS):
        found = _claim()
        told += sum(_tell(agent_id, run_id, loop) for run_id, agent_id, loop in found if loop is not None)
        if len(found) < _AT_ONCE:
            break
    return told


@transactional
def _claim(session: Session) -> list[tuple[str, str, Loop | None]]:
    news = loops.claim_news(session, most=_AT_ONCE, window=WINDOW)
    silent = loops.claim_silent(session, minutes=SILENT_MINUTES, most=_AT_ONCE)
    found = [(run_id, agent_id, find_loop(deeds)) for run_id, agent_id, deeds in news]
    for quiet in silent:
        loop = Loop(
            LoopKind.SILENT, 1, f"for {quiet.minutes} minutes", "", quiet.position, quiet.position, quiet.is_certain
        )
        found.append((quiet.run_id, quiet.agent_id, loop))
    return found


@transactional
def _tell(session: Session, agent_id: str, run_id: str, loop: Loop) -> bool:
    found = locate(session, agents.find(session, agent_id))
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
