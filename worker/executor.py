"""Run one job and say what becomes of it; no SQL."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.jobs import ClaimedJob, Discard, Done, LeaseLost, Retry, Settled, Snooze
from cursor_monitor.engine.backoff import delay_seconds
from cursor_monitor.store.jobs import Settlement
from cursor_monitor.tracing import TRACEPARENT, span
from worker.handlers import Handler, Handlers

log = logging.getLogger(__name__)

_DATABASE_SECONDS = 1.0


async def execute(job: ClaimedJob, handlers: Handlers, random: Callable[[], float]) -> Settlement | Settled | None:
    """Do the job; Settled where it was settled with its own writes, None where it is no longer ours."""
    parent = job.args.get(TRACEPARENT) if isinstance(job.args, dict) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    with span(f"job {job.kind}", "consumer", _fields(job), parent) as told:
        settled = await _execute(job, handlers, random)
        told.note({"outcome": outcome_of(settled)})
    return settled


async def _execute(job: ClaimedJob, handlers: Handlers, random: Callable[[], float]) -> Settlement | Settled | None:
    handler = handlers[job.kind]
    if job.attempt > job.max_attempts:
        return await _give_up(job, handler, "the worker died at each try")
    if wrong := handler.missing(job):
        return await _give_up(job, handler, wrong)
    try:
        outcome = await handler.run(job)
    except LeaseLost:
        log.info("lease lost", extra=_fields(job))
        return None
    except Unavailable as error:
        # The database is out: nothing was done that counts, and the attempt is not the job's fault.
        return Settlement(job, "pending", delay=_DATABASE_SECONDS, is_fresh=True, error=error.message)
    except Exception as error:
        log.exception("job failed", extra=_fields(job))
        outcome = Retry(f"{type(error).__name__}: {error}")
    if isinstance(outcome, Settled):
        return outcome
    return await _settle(job, handler, outcome, random)


async def end_late(job: ClaimedJob, handlers: Handlers, random: Callable[[], float]) -> Settlement | None:
    """What becomes of a job that was stopped at its deadline."""
    handler = handlers[job.kind]
    return await _settle(job, handler, Retry(f"no end after {handler.deadline_seconds:g} s"), random)


def outcome_of(settlement: Settlement | Settled | None) -> str:
    """The word that is counted for it."""
    if settlement is None:
        return "lost"
    if isinstance(settlement, Settled):
        return "completed"
    if settlement.status == "pending":
        return "snoozed" if settlement.error is None else "retried"
    return settlement.status


async def _settle(
    job: ClaimedJob, handler: Handler, outcome: Done | Snooze | Discard | Retry, random: Callable[[], float]
) -> Settlement | None:
    match outcome:
        case Done():
            return Settlement(job, "completed")
        case Snooze(seconds, forgets):
            return Settlement(job, "pending", delay=seconds, is_fresh=forgets, is_uncounted=not forgets)
        case Discard(error):
            return await _give_up(job, handler, error)
        case Retry(error, after_seconds):
            if job.attempt >= job.max_attempts:
                return await _give_up(job, handler, error)
            delay = delay_seconds(job.attempt, random(), after_seconds)
            log.warning("job will be tried again", extra={**_fields(job), "error": error, "delay_seconds": delay})
            return Settlement(job, "pending", delay=delay, error=error)


async def _give_up(job: ClaimedJob, handler: Handler, error: str) -> Settlement | None:
    log.error("job given up", extra={**_fields(job), "error": error})
    try:
        await handler.give_up(job, error)
    except Unavailable:
        return Settlement(job, "pending", delay=_DATABASE_SECONDS, error=error)
    except LeaseLost:
        log.info("lease lost", extra=_fields(job))
        return None
    except Exception:
        # Such as arguments that cannot be read: without an end here the job would come back for ever.
        log.exception("giving up failed", extra=_fields(job))
    return Settlement(job, "failed", error=error)


def _fields(job: ClaimedJob) -> dict[str, str | int | None]:
    return {
        "job_id": job.id,
        "kind": job.kind,
        "attempt": job.attempt,
        "orchestration_id": job.orchestration_id,
        "agent_id": job.agent_id,
    }
