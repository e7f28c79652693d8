"""schema.sql: the classes of store/tables agree with it, it may be applied again, and strangers read nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.services import orchestrations
from cursor_monitor.store import claims, jobs, schema, tables
from cursor_monitor.store.database import transaction
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support import postgres
from tests.support.postgres import ask

ROLES = ("anon", "authenticated", "service_role")
MODELS: dict[str, type[SQLModel]] = {
    str(model.__tablename__): model
    for model in vars(tables).values()
    if isinstance(model, type) and issubclass(model, SQLModel) and model is not SQLModel
}
OUTBOX, LIVE_OUTBOX = "orchestration_outbox_jobs", "orchestration_outbox_live"
WITHOUT_MODEL = {"schema_version"}
CATALOGUE: LiteralString = """
SELECT (SELECT json_agg(t ORDER BY t::text) FROM (
    SELECT c.relname, c.relkind, c.relrowsecurity, c.reloptions, c.relacl::text FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace) t)::text
|| (SELECT json_agg(t ORDER BY t::text) FROM (
    SELECT a.attrelid::regclass::text, a.attname, a.atttypid::regtype::text, a.attnotnull FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0) t)::text
|| (SELECT json_agg(t ORDER BY t::text) FROM (SELECT indexdef FROM pg_indexes WHERE schemaname = 'public') t)::text
|| (SELECT json_agg(t ORDER BY t::text) FROM (
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace) t)::text
|| (SELECT json_agg(t ORDER BY t::text) FROM (
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal) t)::text
|| coalesce((SELECT json_agg(p ORDER BY p::text) FROM pg_policies p)::text, '')
|| (SELECT json_agg(version)::text FROM schema_version)
"""


@pytest.fixture
def apply_schema(database: str) -> Callable[[], None]:
    """Applies the file, whatever version the database has."""

    def apply() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(schema.SCHEMA_FILE.read_text(encoding="utf-8").encode())

    return apply


@pytest.fixture
def roles(server: EmbeddedPostgres, database: str, apply_schema: Callable[[], None]) -> Iterator[str]:
    """The database with Supabase's roles, of which all were given rights by default; none passes by row security."""
    for role in ROLES:
        _execute(database, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    _execute(
        database,
        sql.SQL(
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated; "
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO anon, authenticated"
        ),
    )
    apply_schema()
    yield database
    postgres.drop_database(server, database)
    for role in ROLES:
        _execute(server.url, sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_every_table_has_a_class_and_every_class_a_table(database: str) -> None:
    found = {
        name
        for (name,) in ask(
            database,
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace AND NOT relispartition",
        )
    }
    assert found == set(MODELS) | WITHOUT_MODEL


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_class_has_the_columns_of_its_table(database: str, name: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database))
    try:
        real = {column["name"]: column for column in inspect(engine).get_columns(name)}
        kind = {known: column["type"].compile(engine.dialect) for known, column in real.items()}
    finally:
        engine.dispose()
    mapped = MODELS[name].__table__.columns  # pyright: ignore[reportAttributeAccessIssue]
    assert {c.name: c.type.compile(engine.dialect) for c in mapped} == kind
    assert {c.name: c.nullable for c in mapped} == {known: column["nullable"] for known, column in real.items()}
    assert {c.name for c in mapped if c.primary_key} == set(
        _primary_key(database, "orchestration_outbox_live" if name == OUTBOX else name)
    )


def test_applying_it_again_changes_nothing(database: str, apply_schema: Callable[[], None]) -> None:
    orchestrations.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    before = ask(database, CATALOGUE), ask(database, "SELECT * FROM orchestrations")
    apply_schema()
    apply_schema()
    assert (ask(database, CATALOGUE), ask(database, "SELECT * FROM orchestrations")) == before


def test_applying_it_again_with_roles_changes_nothing(roles: str, apply_schema: Callable[[], None]) -> None:
    before = ask(roles, CATALOGUE)
    apply_schema()
    assert ask(roles, CATALOGUE) == before


def test_an_empty_database_is_migrated_and_a_newer_one_refused(server: EmbeddedPostgres) -> None:
    url = postgres.make_database(server, template="template0")
    assert schema.version(url) is None
    assert schema.migrate(url) == schema.version(url) == schema.SCHEMA_VERSION
    ask(url, "INSERT INTO schema_version (version) VALUES (%s)", (schema.SCHEMA_VERSION + 1,))
    with pytest.raises(RuntimeError, match="start the newer program"):
        schema.migrate(url)
    postgres.drop_database(server, url)


def test_every_table_has_row_level_security(database: str) -> None:
    bare = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    assert ask(database, f"{bare} AND NOT relrowsecurity") == []


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_a_stranger_reads_and_writes_nothing(roles: str, role: str) -> None:
    for name in sorted(MODELS.keys() | WITHOUT_MODEL):
        table = sql.Identifier(name)
        for statement in (
            sql.SQL("SELECT 1 FROM {}").format(table),
            sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table),
            sql.SQL("DELETE FROM {}").format(table),
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                _execute(roles, statement, role)


OPEN: LiteralString = """
SELECT role, c.relname::text FROM pg_class c, unnest(ARRAY['anon', 'authenticated']) role
WHERE c.relnamespace = 'public'::regnamespace AND CASE
    WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f')
        THEN has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
          OR has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
    WHEN c.relkind = 'S' THEN has_sequence_privilege(role, c.oid, 'USAGE, SELECT, UPDATE')
    ELSE false END
UNION ALL
SELECT role, p.oid::regprocedure::text FROM pg_proc p, unnest(ARRAY['anon', 'authenticated']) role
WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege(role, p.oid, 'EXECUTE')
"""


def test_nothing_is_open_to_a_stranger_nor_what_is_made_later(roles: str) -> None:
    """By the catalogue, so that no table, sequence or function is forgotten; a hosting gives rights by default."""
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        given = sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON {} TO anon, authenticated")
        _execute(roles, given.format(sql.SQL(kind)))
    assert ask(roles, "SELECT outbox_add_day('2030-01-01')") == [(True,)]
    assert ask(roles, OPEN) == []
    _execute(roles, "GRANT SELECT (email) ON users TO anon")
    assert ask(roles, OPEN) == [("anon", "users")]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_a_stranger_draws_no_lease(roles: str, role: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        _execute(roles, sql.SQL("SELECT nextval('lease_token_seq')"), role)


def test_the_service_role_reads_everything_and_can_do_the_work(roles: str) -> None:
    orchestrations.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("SET ROLE service_role")
        for name in sorted(MODELS.keys() | WITHOUT_MODEL):
            connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(name)))
        assert connection.execute("SELECT count(*) FROM orchestrations").fetchone() == (1,)


def test_the_service_role_launches_and_claims(roles: str) -> None:
    with transaction() as session:
        session.connection().exec_driver_sql("SET LOCAL ROLE service_role")
        jobs.enqueue(session, [NewJob(JobKind.ADVANCE)])
        (claimed,) = claims.claim(session, worker="w", kinds=["advance"], room=1, lease_seconds=9)
        assert jobs.settle(session, [jobs.Settlement(claimed, "completed")]) == {claimed.id}


@pytest.mark.parametrize("change", ["UPDATE orchestration_events SET message = ''", "DELETE FROM orchestration_events"])
def test_events_refuse_to_change(database: str, change: LiteralString) -> None:
    made = orchestrations.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    with pytest.raises(errors.IntegrityConstraintViolation, match="append-only"):
        ask(database, change)
    with pytest.raises(errors.IntegrityConstraintViolation, match="append-only"):
        ask(database, "DELETE FROM orchestrations WHERE id = %s", (made,))
    assert ask(database, "SELECT seq, type FROM orchestration_events") == [(1, "OrchestrationRequested")]


def test_only_retention_deletes_events(database: str) -> None:
    orchestrations.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    ask(database, "SET cursor_monitor.retention = 'on'; DELETE FROM orchestrations")
    assert ask(database, "SELECT 1 FROM orchestration_events") == []


def _primary_key(url: str, table: str) -> list[str]:
    query: LiteralString = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indisprimary AND i.indrelid = to_regclass(%s)"
    )
    return [name for (name,) in ask(url, query, (table,))]


def _execute(url: str, statement: Any, role: str | None = None) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if role is not None:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        connection.execute(statement)
