"""What a person or a program does to an orchestration: each one transaction, each leaves an event with who did it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CODES
from cursor_monitor.domain.controls import family_of, possible_controls, possible_task_controls
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.jobs import advance_job
from cursor_monitor.domain.orchestration import PLANNER_KEY, LaunchRequest, Snapshot, Task
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine import plan
from cursor_monitor.engine.budgets import uses
from cursor_monitor.engine.choice import best_of
from cursor_monitor.engine.fold import begin, evolve
from cursor_monitor.engine.plan_hash import check_unchanged
from cursor_monitor.engine.rules.choosing import keep
from cursor_monitor.services import limits
from cursor_monitor.services.advance import write
from cursor_monitor.services.dry_run import planned_tasks, present_hash, request_of
from cursor_monitor.services.governed import parse_governed
from cursor_monitor.services.templates import expand
from cursor_monitor.store import accounts, cache, idempotency, jobs, orchestrations
from cursor_monitor.store import events as event_store
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

_ACTS = tuple(
    kind.__name__
    for kind in (
        e.OrchestrationPaused,
        e.OrchestrationResumed,
        e.PlanApproved,
        e.CancelRequested,
        e.OrchestrationRetried,
    )
)


@transactional
def launch(session: Session, fields: Mapping[str, Any], *, by: str, idempotency_key: str | None = None) -> str:
    """Record a new orchestration in a transaction of its own; see launch_within()."""
    return launch_within(session, fields, by=by, idempotency_key=idempotency_key)


def check_launch(session: Session, fields: Mapping[str, Any]) -> None:
    """Raise Invalid where a launch with these fields would be refused now."""
    account, named = for_account(session, expand(session, fields))
    parse_governed(session, named, model_ids(session, account))


def launch_within(session: Session, fields: Mapping[str, Any], *, by: str, idempotency_key: str | None = None) -> str:
    """Record a new orchestration and ask a worker to start it; returns its id.

    Raises Invalid naming the field, Conflict where the key was used with another body, or where a `plan_hash` is given
    and the plan is no longer that one. The same key and body again return the same id and record nothing.
    """
    account, named = for_account(session, expand(session, fields))
    wanted = dict(named) if isinstance(named, Mapping) else named
    shown = wanted.pop("plan_hash", None) if isinstance(wanted, dict) else None
    request = parse_governed(session, wanted, model_ids(session, account))
    orchestration_id = str(mint_uuid7())
    if idempotency_key is not None:
        known = idempotency.claim_key(session, "orchestrations", idempotency_key, fields, orchestration_id)
        if known != orchestration_id:
            return known
    if shown is not None:
        check_unchanged(shown, present_hash(session, request, plan.make_plan(request)))
    event = _requested(request, by, account, database_now(session))
    write(session, None, begin(orchestration_id, event), [event])
    return orchestration_id


@transactional
def pause(session: Session, orchestration_id: str, *, by: str) -> None:
    """Start nothing new; raises Conflict where it is not queued or running."""
    s = _locked(session, orchestration_id, "pause")
    record(session, s, e.OrchestrationPaused(at=database_now(session), by=by))


@transactional
def resume(session: Session, orchestration_id: str, *, by: str) -> None:
    """Go on after a pause or a block; raises Conflict otherwise."""
    s = _locked(session, orchestration_id, "resume")
    record(session, s, e.OrchestrationResumed(at=database_now(session), by=by))


@transactional
def set_budget(session: Session, orchestration_id: str, fields: Mapping[str, Any], *, by: str) -> None:
    """Give other limits in all; what one of them blocked goes on.

    Raises Invalid for a limit that is no number or is used up already, Conflict once the orchestration has ended.
    """
    limits = plan.parse_budget(fields)
    s = lock(session, orchestration_id)
    if s.is_terminal or s.is_cancelling:
        raise Conflict(f"The orchestration is {s.status if s.is_terminal else 'being cancelled'}; nothing is left.")
    now = database_now(session)
    for use in uses(s, now):
        if use.budget in limits and limits[use.budget] <= use.used:
            raise Invalid(use.budget, f"must be above the {use.used:.4g} that are used already")
    record(session, s, e.BudgetChanged(at=now, by=by, limits=limits))


@transactional
def cancel(session: Session, orchestration_id: str, *, by: str) -> None:
    """Cancel the live agents, then end as stopped; raises Conflict once it has ended."""
    s = _locked(session, orchestration_id, "cancel")
    record(session, s, e.CancelRequested(at=database_now(session), by=by))


@transactional
def approve(session: Session, orchestration_id: str, *, by: str, plan_hash: str | None = None) -> None:
    """Let a waiting plan go ahead; raises Conflict where none waits, or where it is not the one with that hash."""
    s = _locked(session, orchestration_id, "approve")
    if plan_hash is not None:
        check_unchanged(plan_hash, present_hash(session, request_of(s), planned_tasks(s)))
    record(session, s, e.PlanApproved(at=database_now(session), by=by))


@transactional
def retry(session: Session, orchestration_id: str, *, by: str) -> None:
    """Try what did not complete once more, keeping the rest; raises Conflict unless it ended incomplete."""
    s = _locked(session, orchestration_id, "retry")
    record(session, s, e.OrchestrationRetried(at=database_now(session), by=by, task_keys=s.retryable))


@transactional
def retry_task(session: Session, orchestration_id: str, key: str, *, by: str) -> None:
    """Try one task once more; raises Conflict unless it failed, was skipped or was cancelled."""
    s, task = locked_task(session, orchestration_id, key)
    _check_task_control(s, task, "retry")
    record(session, s, e.TaskRetried(at=database_now(session), task_key=key, by=by))


@transactional
def skip_task(session: Session, orchestration_id: str, key: str, *, by: str) -> None:
    """Leave one pending task out; what depends on it goes on. Raises Conflict once it has started."""
    s, task = locked_task(session, orchestration_id, key)
    _check_task_control(s, task, "skip")
    reason = f"left out by {by}"
    record(session, s, e.TaskSkipped(at=database_now(session), task_key=key, reason=reason, by=by))


@transactional
def keep_candidate(session: Session, orchestration_id: str, key: str, *, by: str) -> None:
    """Keep one of several candidates and archive the others' agents; raises Conflict unless all have ended."""
    s, task = locked_task(session, orchestration_id, key)
    _check_task_control(s, task, "keep")
    now, chosen = database_now(session), s.task(task.candidate_of or "")
    reason = f"chosen by {by}; the engine would keep {best_of(s.candidates(chosen.key)).key}."
    record(session, s, *keep(s, chosen, key, reason, now, by=by))


def check_followup_text(text: str) -> str:
    """The text as it will be sent; raises Invalid where it is empty or too long."""
    cleaned = text.strip()
    if not cleaned:
        raise Invalid("prompt", "is empty; say what the agent should do next")
    if len(cleaned) > plan.PROMPT_LIMIT:
        raise Invalid(
            "prompt", f"has {len(cleaned):,} characters, at most {plan.PROMPT_LIMIT:,} are allowed; shorten it"
        )
    if "\x00" in cleaned:
        raise Invalid("prompt", "holds a NUL character, which Postgres cannot keep; remove it")
    return cleaned


def record(session: Session, s: Snapshot, *events: e.Event) -> None:
    """Fold the events in and write them, with a look at what follows."""
    after = s
    for event in events:
        after = evolve(after, event)
    write(session, s, after, events)
    jobs.enqueue(session, [advance_job(s.id)])
    if after.is_cancelling or after.status is OrchestrationStatus.PAUSED:
        jobs.enqueue(session, limits.leave_queue(session, after))


def locked_task(session: Session, orchestration_id: str, key: str) -> tuple[Snapshot, Task]:
    """One of its tasks, and the orchestration under its lock; raises NotFound."""
    s = lock(session, orchestration_id)
    try:
        return s, s.task(key)
    except KeyError:
        raise NotFound(f"The orchestration has no task {key[:64]!r}.") from None


def for_account(session: Session, fields: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The id of the account that the fields name, the default one's where they do not, and the other fields."""
    if not isinstance(fields, Mapping) or "account" not in fields:
        return accounts.resolve(session, None).id, fields
    named = fields["account"]
    if named is not None and not isinstance(named, str):
        raise Invalid("account", "must be the name or id of an account")
    return accounts.resolve(session, named).id, {name: value for name, value in fields.items() if name != "account"}


def model_ids(session: Session, account_id: str) -> tuple[str, ...]:
    """The models Cursor offers an account, as last fetched; empty where they never were."""
    found = cache.get(session, cache.account_key("models", account_id))
    return tuple(model["id"] for model in found[0]) if found else ()


def _requested(request: LaunchRequest, by: str, account_id: str, at: datetime) -> e.OrchestrationRequested:
    return e.OrchestrationRequested(
        at=at,
        by=by,
        name=request.name or plan.first_line(request.prompt),
        mode=request.mode,
        repository=request.repository,
        ref=request.ref,
        prompt=request.prompt,
        model=request.model,
        options=request.options,
        tasks=request.tasks,
        account_id=account_id,
    )


def _locked(session: Session, orchestration_id: str, control: str) -> Snapshot:
    s = lock(session, orchestration_id)
    if control not in possible_controls(s.status, is_cancelling=s.is_cancelling, code=s.error_code):
        state = "being cancelled" if s.is_cancelling and not s.is_terminal else s.status
        if control == "resume" and s.error_code in CODES.values():
            state = f"{state} by a budget; raise it"
        raise Conflict(f"Cannot {control}: the orchestration is {state}.{_last_act(session, s)}", status=s.status)
    return s


def _last_act(session: Session, s: Snapshot) -> str:
    """Who was quicker, for whom it is too late."""
    newest = event_store.select_of_types(session, UUID(s.id), _ACTS, limit=1)
    return f" {newest[-1].message}" if newest else ""


def _check_task_control(s: Snapshot, task: Task, control: str) -> None:
    if task.key == PLANNER_KEY:
        raise Conflict(f"Cannot {control} the planner: it is no task; cancel or retry the orchestration.")
    if s.is_cancelling and not s.is_terminal:
        raise Conflict(f"Cannot {control} a task: the orchestration is being cancelled.")
    if control not in possible_task_controls(task.status, s.status, family_of(task, s.tasks)):
        raise Conflict(f"Cannot {control}: task {task.key} is {task.status}, the orchestration {s.status}.")


def lock(session: Session, orchestration_id: str) -> Snapshot:
    """The orchestration under its lock; raises NotFound."""
    try:
        snapshot = orchestrations.lock_snapshot(session, UUID(orchestration_id))
    except ValueError:
        snapshot = None
    if snapshot is None:
        raise NotFound(f"No orchestration has the id {orchestration_id[:60]}.")
    return snapshot
