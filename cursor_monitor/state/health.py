"""Health: each part with its facts, each worker with its heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.queries.health import Component, Health, HealthEventRow, WorkerRow, get_health, list_health_events
from cursor_monitor.state.live import LiveMixin

_TITLES = {
    "database": "Database",
    "worker": "Worker",
    "outbox": "Outbox",
    "redis": "Redis",
    "cursor_api": "Cursor API",
    "accounts": "Accounts",
    "code_host": "Code host",
}


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact of a part; `moment` instead of `value` where it is a time."""

    name: str
    value: str
    moment: str


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One part of the product as the page shows it."""

    name: str
    title: str
    status: str
    message: str
    facts: list[FactView]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker as the page shows it."""

    instance: str
    status: str
    heartbeat_at: datetime
    started_at: datetime | None
    version: str
    wakeup: str
    running: str
    settled: str


class HealthState(LiveMixin, rx.State):
    """What the health page shows."""

    status: str = "unknown"
    version: str = ""
    components: list[ComponentView] = []
    workers: list[WorkerView] = []
    events: list[HealthEventRow] = []

    def _topic(self) -> str:
        return live.HEALTH

    def _query(self) -> Callable[[], Any]:
        return _read

    def _show(self, result: tuple[Health, list[HealthEventRow] | None]) -> None:
        health, events = result
        self.status = health.status
        self.version = health.version
        self.components = [_component(part) for part in health.components]
        if events is not None:  # else the last known ones stay
            self.workers = [_worker(worker) for worker in health.workers]
            self.events = events


def _read() -> tuple[Health, list[HealthEventRow] | None]:
    health = get_health()
    try:
        return health, list(list_health_events(limit=30).items)
    except Unavailable:
        return health, None


def _component(part: Component) -> ComponentView:
    facts = [_fact(name, value) for name, value in part.facts.items() if value is not None]
    return ComponentView(part.name, _TITLES.get(part.name, part.name), part.status, part.message, facts)


def _fact(name: str, value: object) -> FactView:
    word = name.replace("_", " ")
    if name.endswith("_at") or name == "since":
        return FactView(word.removesuffix(" at"), "", str(value))
    if name.endswith("_seconds"):
        return FactView(word.removesuffix(" seconds"), f"{value} s", "")
    if isinstance(value, bool):
        return FactView(word, "yes" if value else "no", "")
    return FactView(word, str(value), "")


def _worker(worker: WorkerRow) -> WorkerView:
    details = worker.details
    return WorkerView(
        instance=worker.instance,
        status=worker.status,
        heartbeat_at=worker.heartbeat_at,
        started_at=worker.started_at,
        version=str(details.get("version", "unknown")),
        wakeup=str(details.get("wakeup", "unknown")),
        running=f"{details.get('running', 'unknown')} of {details.get('concurrency', 'unknown')}",
        settled=str(details.get("settled", "unknown")),
    )
