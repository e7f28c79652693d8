"""A plan that was made: looked at, and edited while it waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CHOICE
from cursor_monitor.domain.errors import Conflict, NotFound
from cursor_monitor.domain.jobs import advance_job
from cursor_monitor.domain.profiles import check_bases
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.plan import refuse_unknown
from cursor_monitor.engine.plan_edit import parse_plan
from cursor_monitor.engine.plan_hash import check_unchanged
from cursor_monitor.services.advance import write
from cursor_monitor.services.dry_run import Preview, planned_tasks, present_hash, preview_of, request_of
from cursor_monitor.services.orchestrations import lock, model_ids
from cursor_monitor.store import jobs, orchestrations, profiles
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now


def get_plan(orchestration_id: str) -> Preview:
    """The plan of an orchestration and what it means; raises NotFound."""
    with reading() as session:
        try:
            snapshot = orchestrations.load_snapshot(session, UUID(orchestration_id))
        except ValueError:
            snapshot = None
        if snapshot is None:
            raise NotFound(f"No orchestration has the id {orchestration_id[:60]}.")
        return preview_of(session, snapshot)


@transactional
def edit_plan(session: Session, orchestration_id: str, fields: Mapping[str, Any], *, by: str) -> None:
    """Put another plan in the place of the one that waits for approval, checked as a whole.

    Raises Invalid at the place that cannot be, Conflict where no plan waits or it is not the one with `plan_hash`.
    """
    refuse_unknown(fields, frozenset({"tasks", "plan_hash"}))
    s = lock(session, orchestration_id)
    if s.status is not OrchestrationStatus.WAITING or s.is_cancelling or s.error_code == CHOICE:
        state = "being cancelled" if s.is_cancelling and not s.is_terminal else s.status
        state = "waiting for another choice" if s.error_code == CHOICE else state
        raise Conflict(f"Cannot edit the plan: the orchestration is {state}.", status=s.status)
    if fields.get("plan_hash") is not None:
        check_unchanged(fields["plan_hash"], present_hash(session, request_of(s), planned_tasks(s)))
    tasks = parse_plan(fields.get("tasks"), model_ids(session, s.account_id), s.options)
    profile = profiles.find_for(session, s.repository)
    if profile is not None:
        check_bases(profile, s.ref, tasks)
    event = e.PlanEdited(at=database_now(session), by=by, tasks=tasks)
    write(session, s, evolve(s, event), [event])
    jobs.enqueue(session, [advance_job(s.id)])
