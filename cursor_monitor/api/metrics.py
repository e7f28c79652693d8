"""`/metrics`: the figures of the database and of this process, in the text of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from cursor_monitor.api.traffic import TRAFFIC
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.queries.health import WorkerRow
from cursor_monitor.queries.metrics import Metrics, get_metrics
from cursor_monitor.settings import VERSION

_PREFIX = "cursor_monitor_"


def metrics(request: Request) -> Response:
    """Everything at once; without a database what this process knows, and that it is out."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(TRAFFIC)
    registry.register(_Product())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Product(Collector):
    """What the database says at this moment."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        try:
            found = get_metrics()
        except Unavailable:
            found = None
        yield _gauge("build_info", "1, with the version of this program.", [((VERSION,), 1.0)], ("version",))
        yield _gauge("database_up", "1 while the database answers.", [((), float(found is not None))])
        if found is not None:
            yield from _queue(found)
            yield from _work(found)
            yield from _workers(found.workers)
            yield from _cursor(found)


def _queue(found: Metrics) -> Iterator[Metric]:
    yield _gauge(
        "jobs",
        "Jobs of the outbox by kind and state: due, running, scheduled or dead.",
        [((job.kind, job.state), job.number) for job in found.jobs],
        ("kind", "state"),
    )
    due = [job for job in found.jobs if job.state == "due"]
    yield _gauge(
        "job_oldest_due_seconds",
        "For how long the oldest due job of a kind has waited.",
        [((job.kind,), job.oldest_seconds or 0.0) for job in due],
        ("kind",),
    )
    yield _gauge("jobs_due", "Due jobs of all kinds: what to scale workers by.", [((), sum(job.number for job in due))])


def _work(found: Metrics) -> Iterator[Metric]:
    yield _gauge(
        "orchestrations",
        "Orchestrations that have not ended, by status.",
        [((status,), number) for status, number in sorted(found.orchestrations.items())],
        ("status",),
    )
    yield _gauge("agents_working", "Agents at work at Cursor.", [((), found.agents_working)])


def _workers(rows: Iterable[WorkerRow]) -> Iterator[Metric]:
    workers = list(rows)
    for name, text, values in (
        ("worker_online", "1 for a worker whose heartbeat is fresh.", [float(w.status == "online") for w in workers]),
        ("worker_heartbeat_age_seconds", "Age of a worker's heartbeat.", [w.heartbeat_age_seconds for w in workers]),
        ("worker_running_jobs", "Jobs that a worker runs.", [float(w.details.get("running") or 0) for w in workers]),
        ("worker_concurrency", "Jobs that it may run.", [float(w.details.get("concurrency") or 0) for w in workers]),
        ("worker_streams", "Agents that it listens to.", [float(w.details.get("streams") or 0) for w in workers]),
    ):
        yield _gauge(name, text, [((w.instance,), v) for w, v in zip(workers, values, strict=True)], ("worker",))
    yield _counter(
        "worker_jobs",
        "Jobs that a worker has ended, by outcome: completed, failed (a dead letter), retried or snoozed.",
        [
            ((w.instance, str(o)), float(n))
            for w in workers
            for o, n in sorted((w.details.get("outcomes") or {}).items())
        ],
        ("worker", "outcome"),
    )


def _cursor(found: Metrics) -> Iterator[Metric]:
    names = ("account", "endpoint")
    keys = [(budget.account, budget.endpoint) for budget in found.budgets]
    for name, text, values in (
        ("cursor_budget_tokens", "Requests left at once when last asked.", [b.tokens for b in found.budgets]),
        ("cursor_budget_per_minute", "Requests a minute that a key may send.", [b.per_minute for b in found.budgets]),
        ("cursor_budget_pace", "Share of it that is used after refusals.", [b.pace for b in found.budgets]),
        ("cursor_budget_blocked", "1 while Cursor asked to wait.", [float(b.is_blocked) for b in found.budgets]),
    ):
        yield _gauge(name, text, list(zip(keys, map(float, values), strict=True)), names)
    granted = [((b.account, b.endpoint), float(b.granted)) for b in found.budgets]
    refused = [((b.account, b.endpoint), float(b.refused)) for b in found.budgets]
    yield _counter("cursor_requests", "Requests let through to Cursor.", granted, names)
    yield _counter("cursor_rate_limited", "Requests that Cursor refused with 429.", refused, names)


_Values = list[tuple[tuple[str, ...], float]]


def _gauge(name: str, text: str, values: _Values, labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def _counter(name: str, text: str, values: _Values, labels: tuple[str, ...]) -> Metric:
    family = CounterMetricFamily(_PREFIX + name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family
