"""`/metrics`: read as Prometheus reads it, by those who may, with and without a database."""

from __future__ import annotations

import json

from prometheus_client.parser import text_string_to_metric_families

from cursor_monitor.api.traffic import part_of
from cursor_monitor.domain.access import Role
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from tests.support.people import bearer
from tests.support.postgres import ask

from .client import Client
from .conftest import API, LAUNCH, client_of


def read(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_queue_the_work_the_workers_and_the_budgets_are_told(client: Client, database: str) -> None:
    client.post(f"{API}/orchestrations", json=LAUNCH)
    ask(
        database,
        "INSERT INTO orchestration_outbox_jobs (kind, status, next_run_at, finished_at) VALUES"
        " ('advance', 'pending', clock_timestamp() - interval '90 s', NULL),"
        " ('read_agent', 'pending', clock_timestamp() + interval '1 h', NULL),"
        " ('read_agent', 'failed', clock_timestamp(), clock_timestamp())",
    )
    beat = {"running": 3, "concurrency": 20, "outcomes": {"completed": 41, "failed": 1}, "interval_seconds": 15}
    ask(
        database,
        "INSERT INTO service_health_events (service, instance, kind, details) VALUES ('worker', 'w1', 'heartbeat', %s)",
        (json.dumps(beat),),
    )
    ask(
        database,
        "INSERT INTO cursor_budgets (account, endpoint, per_minute, tokens, refilled_at, slots, granted, refused)"
        " VALUES ('default', 'api', 300, 12.5, now(), '{}', 70, 2)"
        " ON CONFLICT (account, endpoint) DO UPDATE SET tokens = 12.5, granted = 70, refused = 2",
    )
    found = read(client)
    assert found["cursor_monitor_jobs", "advance", "due"] == 2
    assert found["cursor_monitor_jobs", "read_agent", "scheduled"] == 1
    assert found["cursor_monitor_jobs", "read_agent", "dead"] == 1
    assert found["cursor_monitor_jobs_due",] == 2
    assert 90 <= found["cursor_monitor_job_oldest_due_seconds", "advance"] < 150
    assert found["cursor_monitor_orchestrations", "queued"] == 1
    assert found["cursor_monitor_worker_online", "w1"] == 1
    assert found["cursor_monitor_worker_jobs_total", "completed", "w1"] == 41
    assert found["cursor_monitor_cursor_requests_total", "default", "api"] == 70
    assert found["cursor_monitor_cursor_rate_limited_total", "default", "api"] == 2
    assert found["cursor_monitor_cursor_budget_tokens", "default", "api"] == 12.5
    assert found["cursor_monitor_database_up",] == 1
    assert found["cursor_monitor_http_requests_total", "POST", "api/orchestrations", "202"] >= 1
    assert found["process_resident_memory_bytes",] > 0


def test_a_program_needs_a_token_where_everybody_signs_in(database: str) -> None:
    closed = client_of(auth_required=True)
    refused = closed.get("/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert ("cursor_monitor_database_up",) in read(closed, **bearer(Role.VIEWER))


def test_without_a_database_the_process_still_tells_of_itself(client: Client, database: str) -> None:
    open_all(Settings(database_url="postgresql://nobody@127.0.0.1:9/none"))
    try:
        found = read(client)
    finally:
        close_all()
    assert found["cursor_monitor_database_up",] == 0
    assert ("cursor_monitor_jobs_due",) not in found


def test_no_label_is_chosen_by_a_visitor() -> None:
    assert part_of(f"{API}/orchestrations/x/tasks") == "api/orchestrations"
    assert part_of(f"{API}/evil-{'x' * 99}") == "api/other"
    assert part_of("/evil") == "pages"
