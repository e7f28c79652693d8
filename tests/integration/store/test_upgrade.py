"""Databases of older schema versions: brought up whole or not at all, and then no different from new ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.queries.readiness import check_ready
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import schema
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support import old_databases, postgres
from tests.support.postgres import ask
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[3]
STRUCTURE = """
SELECT 'column', a.attrelid::regclass::text, a.attname, a.atttypid::regtype::text, a.attnotnull::text,
       coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated::text || a.attidentity::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index', indexname, indexdef, '', '', '', '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid), '', '', '', ''
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid), '', '', '', ''
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname::text, pg_get_functiondef(oid), '', '', '', ''
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'table', relname::text, relrowsecurity::text, relispartition::text, '', '', ''
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
"""


@pytest.fixture(params=old_databases.VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    """The schema version of the old database."""
    return request.param


@pytest.fixture
def old(server: EmbeddedPostgres, version: int) -> Iterator[str]:
    """A database just as that version's program left it."""
    url = postgres.make_database(server, template="template0")
    old_databases.load(url, version)
    yield url
    close_all()
    postgres.drop_database(server, url)


def test_it_becomes_what_a_new_database_is_and_keeps_each_row(old: str, version: int, server: EmbeddedPostgres) -> None:
    before = counts(old)
    assert schema.version(old) == version
    assert schema.migrate(old) == schema.SCHEMA_VERSION
    after = counts(old)
    assert {name: after[name] for name in before} == {**before, "schema_version": after["schema_version"]}
    fresh = postgres.make_database(server)
    assert structure(old) == structure(fresh)
    postgres.drop_database(server, fresh)


def test_an_app_waits_until_its_database_is_up_to_date(old: str) -> None:
    open_all(Settings(database_url=old))
    with pytest.raises(Unavailable, match="schema version"):
        check_ready()
    schema.migrate(old)
    check_ready()


def test_ended_half_way_it_leaves_nothing(old: str, version: int) -> None:
    before = counts(old), structure(old)
    with psycopg.connect(old) as other:
        other.execute("LOCK TABLE service_health_events IN ACCESS EXCLUSIVE MODE")
        code = "import sys; from cursor_monitor.store import schema; schema.migrate(sys.argv[1])"
        with subprocess.Popen([sys.executable, "-c", code, old], cwd=ROOT, stderr=subprocess.PIPE) as migrating:
            # By now most of the file has been run; the server ends it, as in a crash.
            ((pid,),) = eventually(lambda: ask(old, WAITING_FOR, ("service_health_events",)))
            ask(old, "SELECT pg_terminate_backend(%s)", (pid,))
            assert migrating.wait(30) != 0
    assert schema.version(old) == version
    assert (counts(old), structure(old)) == before
    assert schema.migrate(old) == schema.SCHEMA_VERSION


WAITING_FOR = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)"


def counts(url: str) -> dict[str, int]:
    """The rows of each table."""
    names = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    found = [name for (name,) in ask(url, f"{names} AND NOT relispartition")]
    with psycopg.connect(url) as connection:
        return {name: count(connection, name) for name in found}


def count(connection: psycopg.Connection[Any], name: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
    assert row is not None
    return row[0]


def structure(url: str) -> set[tuple[Any, ...]]:
    """Columns, indexes, constraints, triggers, functions: all but the order of columns."""
    return set(ask(url, STRUCTURE))
