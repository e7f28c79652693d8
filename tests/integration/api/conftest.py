"""An empty database per test, and clients of the whole edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, reduce
from typing import Any

import psycopg
import pytest
from starlette.types import ASGIApp

from cursor_monitor.api.edge import build_edge
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings

from .client import Client

API = "/api/cloud-agents"
TABLES = (
    "orchestrations",
    "orchestration_events",
    "orchestration_tasks",
    "agents",
    "agent_followups",
    "agent_tags",
    "agent_pins",
    "fleet_views",
    "agent_batches",
    "agent_uploads",
    "orchestration_outbox_jobs",
    "idempotency_keys",
    "webhook_deliveries",
    "notification_channels",
    "prompt_templates",
    "schedules",
)
OTHERS = (
    "service_health_events",
    "cursor_cache",
    "users",
    "user_sessions",
    "api_tokens",
    "sign_in_limits",
    "audit_log",
)
LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}


@pytest.fixture(scope="session")
def shared_url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def database(shared_url: str) -> Iterator[str]:
    """An empty database, opened for the services; one for all tests, as these are many and small."""
    open_all(Settings(database_url=shared_url))
    yield shared_url
    close_all()
    forget_identities()
    # Deleting is faster than TRUNCATE for a few rows; the events allow it to retention alone.
    deletions = "".join(f"DELETE FROM {table};" for table in reversed(TABLES + OTHERS))
    with psycopg.connect(shared_url, autocommit=True) as connection:
        connection.execute(f"SET cursor_monitor.retention = 'on'; {deletions}".encode())


@pytest.fixture
def client(database: str) -> Client:
    return client_of()


@cache
def edge_app(**settings: Any) -> ASGIApp:
    """The application as Reflex puts it together, without the pages; made once, for it keeps nothing."""
    shell, *wrappers = build_edge(Settings(**settings))
    return reduce(lambda app, wrap: wrap(app), wrappers, shell)  # type: ignore[arg-type, operator]


def client_of(**settings: Any) -> Client:
    return Client(edge_app(**settings))


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def rows_in(url: str) -> dict[str, int]:
    """How many rows each table has that a request could have written to."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
    return dict(zip(TABLES, ask(url, f"SELECT {counts}")[0], strict=True))
