"""What applying schema.sql would change, found by applying it in a transaction that is rolled back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from cursor_monitor.store.schema import SCHEMA_FILE, SCHEMA_VERSION, known_version

# Work under way is not held up for a look: whoever needs a table longer than this has precedence.
_PATIENCE: LiteralString = "SET LOCAL lock_timeout = '3s'"
_OBJECTS: LiteralString = """
SELECT 'table ' || c.relname, coalesce(pg_get_partkeydef(c.oid), '') || c.relrowsecurity::text
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL
SELECT 'constraint ' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text, md5(p.prosrc) FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND NOT EXISTS (
    SELECT 1 FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT 'trigger ' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'view ' || viewname, md5(definition) FROM pg_views WHERE schemaname = current_schema()
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The version before and after, and each object that comes, changes or goes."""

    version: int | None
    target: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def plan(url: str) -> Plan:
    """Try the schema on the database and take it back; raises what `migrate` would raise."""
    with psycopg.connect(url, connect_timeout=10, prepare_threshold=None) as connection:
        found = known_version(connection)
        if found == SCHEMA_VERSION:
            return Plan(found, SCHEMA_VERSION)
        try:
            connection.execute(_PATIENCE)
            before = _objects(connection)
            connection.execute(within_a_transaction(SCHEMA_FILE.read_text(encoding="utf-8")).encode())
            after = _objects(connection)
        finally:
            connection.rollback()
    return Plan(
        found,
        SCHEMA_VERSION,
        tuple(name for name in after if name not in before),
        tuple(name for name in after if name in before and after[name] != before[name]),
        tuple(name for name in before if name not in after),
    )


def _objects(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    return dict(sorted((str(name), str(text)) for name, text in connection.execute(_OBJECTS).fetchall()))


def within_a_transaction(script: str) -> str:
    """A script without its own BEGIN and COMMIT."""
    return re.sub(r"^(BEGIN|COMMIT);$", "", script, flags=re.MULTILINE)
