"""Whether this process can serve: the database answers, and has the schema this program was made for."""

from __future__ import annotations

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.queries.health import WorkerStatus, newest_workers
from cursor_monitor.store.applied import applied_version
from cursor_monitor.store.database import reading
from cursor_monitor.store.schema import SCHEMA_VERSION


def check_worker() -> None:
    """Raise Unavailable unless a worker is online; for who wants no requests where their work would wait."""
    with reading() as session:
        workers = newest_workers(session)
    if not any(worker.status == WorkerStatus.ONLINE for worker in workers):
        raise Unavailable("No worker is online; queued work waits until one is.", code="worker_away")


def check_ready() -> None:
    """Raise Unavailable, with the reason, unless requests can be served."""
    with reading() as session:
        found = applied_version(session)
    if found != SCHEMA_VERSION:
        has = "no schema" if found is None else f"schema version {found}"
        raise Unavailable(f"The database has {has}; this program needs {SCHEMA_VERSION}.", code="schema_mismatch")
