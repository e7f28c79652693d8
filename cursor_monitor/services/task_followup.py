"""A person's follow-up to the agent of a task, which the engine is told of."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.controls import family_of
from cursor_monitor.domain.errors import Conflict
from cursor_monitor.domain.ids import followup_id
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus
from cursor_monitor.engine.budgets import closed_for
from cursor_monitor.services.orchestrations import check_followup_text, locked_task, record
from cursor_monitor.store import idempotency
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

SCOPE = "followups"


@transactional
def followup_task(
    session: Session, orchestration_id: str, key: str, text: str, *, by: str, idempotency_key: str | None = None
) -> str:
    """Send a person's follow-up to a task's agent, once it is free; returns its id.

    Raises Conflict where the task has no agent to send to, or where the key was used with another text. The same key
    and text again return the same id and send nothing.
    """
    s, task = locked_task(session, orchestration_id, key)
    prompt, attempt = check_followup_text(text), task.attempt
    if attempt is None:
        raise Conflict(f"Task {key} has no agent that takes follow-ups.")
    made = followup_id(attempt.agent_id, attempt.iterations + 1)
    if idempotency_key is not None:
        fields = {"agent_id": attempt.agent_id, "prompt": prompt}
        known = idempotency.claim_key(session, SCOPE, idempotency_key, fields, made)
        if known != made:
            return known
    _check_attempt(s, task, attempt)
    now = database_now(session)
    closed = closed_for(s, now, followups=1)
    if closed is not None:
        raise Conflict(closed.summary, code=closed.code)
    event = e.FollowUpRequested(
        at=now,
        task_key=key,
        agent_id=attempt.agent_id,
        followup_id=made,
        asks="person",
        prompt=prompt,
        by=by,
    )
    record(session, s, event)
    return made


def _check_attempt(s: Snapshot, task: Task, attempt: Attempt) -> None:
    key = task.key
    if s.is_terminal or s.is_cancelling:
        raise Conflict(f"The orchestration is {s.status}; retry it, or follow up on the agent itself.")
    if family_of(task, s.tasks).is_decided and s.task(task.candidate_of or "").kept != key:
        raise Conflict(f"Another candidate was kept instead of {key}; follow up on the agent itself.")
    if attempt.status not in (AttemptStatus.RUNNING, AttemptStatus.SUCCEEDED):
        raise Conflict(f"Task {key} has no agent that takes follow-ups.")
    if attempt.unsent_followup is not None:
        raise Conflict(f"A follow-up to task {key} is still waiting to be sent.", code="followup_pending")
    if attempt.iterations >= s.options.max_iterations:
        raise Conflict(f"All {s.options.max_iterations} follow-ups of task {key}'s agent are used.")
    most = s.options.max_parallel_agents
    if not attempt.is_live and len(s.live_attempts) >= most:
        wait = f"{most} agents work, and no more may at once" if most > 1 else "another agent works"
        raise Conflict(f"Task {key}'s agent has to wait: {wait}. Send it once one has ended.", code="no_slot")
