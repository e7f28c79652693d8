"""Health from facts: the database's answer, heartbeats, the outbox, Cursor's last answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.status import WorkerStatus
from cursor_monitor.queries.page import Page, check_limit
from cursor_monitor.settings import VERSION
from cursor_monitor.store import accounts, budgets, code_hosts, heartbeats, tables
from cursor_monitor.store.database import reading
from cursor_monitor.store.jobs import outbox_facts


@dataclass(frozen=True, slots=True)
class Component:
    """One part: `status` ok, degraded, down or unknown; `message` for a person; `facts` for programs."""

    name: str
    status: str
    message: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker by its newest heartbeat."""

    instance: str
    status: str
    heartbeat_at: datetime
    heartbeat_age_seconds: float
    started_at: datetime | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """The whole product: `status` ok, degraded or down."""

    status: str
    version: str
    components: tuple[Component, ...]
    workers: tuple[WorkerRow, ...]


@dataclass(frozen=True, slots=True)
class HealthEventRow:
    """One heartbeat or change of a part."""

    id: int
    service: str
    instance: str
    kind: str
    details: dict[str, Any]
    created_at: datetime


def get_health() -> Health:
    """What works and what does not; never raises: without a database everything behind it is unknown."""
    try:
        with reading() as session:
            workers = newest_workers(session)
            outbox = outbox_facts(session)
            cursor = heartbeats.select_cursor_facts(session) | budgets.facts(session)
            standing = _accounts_component(session)
            host = code_hosts.newest_limit(session)
    except Unavailable as error:
        return _without_database(error)
    components = (
        Component("database", "ok", "Answers.", {}),
        _worker_component(workers),
        _outbox_component(outbox),
        _redis_component(workers),
        _cursor_component(cursor),
        standing,
        _code_host_component(workers, host),
    )
    degraded = any(c.status in ("degraded", "down") for c in components)
    return Health("degraded" if degraded else "ok", VERSION, components, workers)


def newest_workers(session: Session) -> tuple[WorkerRow, ...]:
    """Each worker by its newest heartbeat."""
    return tuple(_worker(row) for row in heartbeats.select_newest_per_worker(session))


def list_health_events(
    *, service: str | None = None, before: int | None = None, limit: int = 50
) -> Page[HealthEventRow]:
    """The newest first."""
    check_limit(limit)
    with reading() as session:
        rows = heartbeats.select_events(session, service=service or None, before=before, limit=limit + 1)
    shown = tuple(HealthEventRow(r.id, r.service, r.instance, r.kind, r.details, r.created_at) for r in rows[:limit])
    return Page(shown, str(shown[-1].id) if len(rows) > limit else None)


def _without_database(error: Unavailable) -> Health:
    unknown = ("worker", "outbox", "redis", "cursor_api", "accounts", "code_host")
    rest = (Component(name, "unknown", "Not known while the database is out.", {}) for name in unknown)
    components = (Component("database", "down", error.message, {}), *rest)
    return Health("down", VERSION, components, ())


def _worker(row: heartbeats.Heartbeat) -> WorkerRow:
    interval = float(row.details.get("interval_seconds", 15))
    if row.kind == "stopped" or row.age_seconds > interval * 8:
        status = WorkerStatus.OFFLINE
    elif row.age_seconds > interval * 2:
        status = WorkerStatus.STALE
    else:
        status = WorkerStatus.ONLINE
    return WorkerRow(row.instance, status, row.created_at, row.age_seconds, row.started_at, row.details)


def _worker_component(workers: tuple[WorkerRow, ...]) -> Component:
    online = [w for w in workers if w.status == WorkerStatus.ONLINE]
    newest = min((w.heartbeat_age_seconds for w in workers), default=None)
    facts = {"online": len(online), "heartbeat_age_seconds": None if newest is None else round(newest, 1)}
    if online:
        polling = any(w.details.get("wakeup") == "polling" for w in online)
        note = " LISTEN is not available here, so work is found by polling." if polling else ""
        return Component("worker", "ok", f"{len(online)} online.{note}", facts)
    if not workers:
        return Component("worker", "down", "No worker has ever reported. Start one: cursor-monitor worker.", facts)
    last = max(w.heartbeat_at for w in workers)
    facts["since"] = last.isoformat()
    status = "degraded" if any(w.status == WorkerStatus.STALE for w in workers) else "down"
    return Component("worker", status, "No worker is online; queued work waits until one is.", facts)


def _redis_component(workers: tuple[WorkerRow, ...]) -> Component:
    """As the workers that are online hear it."""
    heard = [
        w.details["redis"] for w in workers if w.status == WorkerStatus.ONLINE and w.details.get("redis") is not None
    ]
    facts = {"used": bool(heard), "workers": len(heard), "workers_that_hear": sum(heard)}
    if not heard:
        return Component("redis", "unknown", "Not used: Postgres hands the work over.", facts)
    if all(heard):
        return Component("redis", "ok", "Carries calls to the workers.", facts)
    return Component("redis", "degraded", "Carries no calls; work is found through Postgres, maybe later.", facts)


def _outbox_component(facts: dict[str, Any]) -> Component:
    oldest = facts["oldest_due_seconds"]
    if oldest is not None and oldest > 60:
        return Component("outbox", "degraded", f"The oldest due job has waited {oldest:.0f} s.", facts)
    if facts["dead_letters"]:
        return Component("outbox", "degraded", f"{facts['dead_letters']} jobs were given up; see the queue.", facts)
    return Component("outbox", "ok", f"{facts['depth']} jobs due or running.", facts)


def _accounts_component(session: Session) -> Component:
    """Each account by its id: whether it can be used, and what its rate limit leaves."""
    rows = accounts.select_all(session)
    facts = {account.id: _standing(account, budgets.facts(session, account.id)) for account in rows}
    refused = [account for account in rows if account.refusal_kind is not None]
    if refused:
        return Component("accounts", "degraded", " ".join(str(a.refusal_message) for a in refused), facts)
    return Component("accounts", "ok", f"{len(rows)} in use.", facts)


def _standing(account: tables.CursorAccount, budget: dict[str, Any]) -> str:
    left = f", {budget['budget_remaining']} of {budget['budget']} requests left" if budget else ""
    pace = f", at {budget['pace_percent']} % of its pace" if budget and budget["pace_percent"] < 100 else ""
    return f"{account.name}: {account.status}{left}{pace}"


def _cursor_component(facts: dict[str, Any]) -> Component:
    if facts.get("ok_at") is None and facts.get("error_at") is None:
        return Component("cursor_api", "unknown", "Not called yet.", facts)
    if facts.get("error_at") and (facts.get("ok_at") is None or facts["error_at"] > facts["ok_at"]):
        return Component("cursor_api", "degraded", str(facts.get("error_message") or "The last call failed."), facts)
    if facts.get("blocked_until"):
        return Component("cursor_api", "ok", "Answers; its rate limit is reached, so requests wait.", facts)
    return Component("cursor_api", "ok", "Answers.", facts)


_CODE_HOST_WORDS = {
    "token": "The token is refused; put a valid one in GITHUB_TOKEN.",
    "limited": "The rate limit is reached, so questions wait.",
    "unavailable": "The last question was not answered.",
}


def _code_host_component(workers: tuple[WorkerRow, ...], limit: tables.CodeHostLimit | None) -> Component:
    if not any(w.details.get("code_host") for w in workers):
        message = "Not used: set GITHUB_TOKEN to see pull requests, checks and changed files."
        return Component("code_host", "unknown", message, {"used": False})
    if limit is None:
        return Component("code_host", "unknown", "Not asked yet.", {})
    moments = {"ok_at": limit.ok_at, "error_at": limit.error_at, "budget_reset_at": limit.reset_at}
    facts: dict[str, Any] = {
        "budget": limit.request_limit,
        "budget_remaining": limit.remaining,
        "requests": limit.requests,
        "unchanged": limit.unchanged,
        "refused": limit.refused,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
    }
    if limit.error_at is None or (limit.ok_at is not None and limit.ok_at >= limit.error_at):
        return Component("code_host", "ok", "Answers.", facts)
    status = "ok" if limit.error_kind == "limited" else "degraded"
    return Component(
        "code_host", status, _CODE_HOST_WORDS.get(limit.error_kind or "", "The last question failed."), facts
    )
