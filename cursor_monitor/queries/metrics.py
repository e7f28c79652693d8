"""What a monitoring system asks for: the queue, the work, the workers, the budgets at Cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cursor_monitor.queries.health import WorkerRow, newest_workers
from cursor_monitor.store import metrics, overview
from cursor_monitor.store.database import reading
from cursor_monitor.store.metrics import BudgetState, JobCount


@dataclass(frozen=True, slots=True)
class Metrics:
    """One moment of the whole product, as the database has it."""

    jobs: Sequence[JobCount]
    orchestrations: dict[str, int]
    agents_working: int
    workers: Sequence[WorkerRow]
    budgets: Sequence[BudgetState]


def get_metrics() -> Metrics:
    """Read it in one snapshot; raises Unavailable without a database."""
    with reading() as session:
        return Metrics(
            jobs=metrics.count_jobs(session),
            orchestrations=metrics.count_orchestrations(session),
            agents_working=overview.count_agents_working(session),
            workers=newest_workers(session),
            budgets=metrics.budgets(session),
        )
