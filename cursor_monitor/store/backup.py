"""All rows of one moment out of a database and into an empty one; counted and summed on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from cursor_monitor.store.schema import SCHEMA_FILE, SCHEMA_VERSION, known_version
from cursor_monitor.store.schema_plan import within_a_transaction

# What a fresh schema brings along: its version stays, the default account gives way to the one of the backup.
VERSION_TABLE, SEEDED_TABLE = "schema_version", "cursor_accounts"
_SETTINGS: LiteralString = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1"
# By name: a database that came up through versions has its columns in another order than a new one.
_TABLES: LiteralString = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                       AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname ORDER BY c.relname
"""
_NEEDS: LiteralString = """
SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid <> c.confrelid
      AND c.connamespace = current_schema()::regnamespace
"""
_PATIENCE: LiteralString = "SET LOCAL lock_timeout = '5s'"
_SEQUENCES: LiteralString = (
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL"
)


class BackupError(Exception):
    """A backup cannot be made or restored as things are; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What a table holds, whatever the order of its rows: how many, and the sum of their hashes."""

    rows: int
    checksum: str


def snapshot(url: str) -> psycopg.Connection[Any]:
    """A connection that sees one moment and writes nothing; BackupError where the schema is not this program's."""
    connection = psycopg.connect(url, connect_timeout=10, prepare_threshold=None)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute(_SETTINGS)
    found = known_version(connection)
    if found != SCHEMA_VERSION:
        connection.close()
        has = "no schema" if found is None else f"schema version {found}"
        raise BackupError(f"the database has {has}, this program needs {SCHEMA_VERSION}: run `cursor-monitor migrate`")
    return connection


def tables(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every table with its columns, each after those that it refers to."""
    found = {str(name): list(columns) for name, columns in connection.execute(_TABLES).fetchall()}
    needs: dict[str, set[str]] = {name: set() for name in found}
    for name, needed in connection.execute(_NEEDS).fetchall():
        if name in needs and needed in needs:
            needs[name].add(needed)
    ordered: dict[str, list[str]] = {}
    while len(ordered) < len(found):
        ready = [name for name in found if name not in ordered and needs[name] <= ordered.keys()]
        if not ready:
            raise BackupError(f"the tables {', '.join(sorted(found.keys() - ordered.keys()))} refer to each other")
        ordered |= {name: found[name] for name in ready}
    return ordered


def sequences(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How far each sequence is; read after the rows, it is never behind them."""
    return {str(name): int(value) for name, value in connection.execute(_SEQUENCES).fetchall()}


def copy_out(connection: psycopg.Connection[Any], table: str, columns: list[str]) -> Iterator[bytes]:
    """The rows as Postgres writes them."""
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_names(columns), sql.Identifier(table))
    with connection.cursor().copy(query) as copy:
        for block in copy:
            yield bytes(block)


def add_up(connection: psycopg.Connection[Any], table: str, columns: list[str]) -> Sum:
    """Count the rows and add up their hashes."""
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(('x' || substr(md5(ROW({})::text), 1, 15))::bit(60)::bigint), 0)::text FROM {}"
    ).format(_names(columns), sql.Identifier(table))
    row = connection.execute(query).fetchone()
    return Sum(int(row[0]), str(row[1])) if row else Sum(0, "0")


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Bring the schema into the transaction; BackupError unless nothing has ever been kept in this database."""
    connection.execute(_SETTINGS)
    found = known_version(connection)
    if found is None:
        connection.execute(within_a_transaction(SCHEMA_FILE.read_text(encoding="utf-8")).encode())
        connection.execute(_SETTINGS)
    elif found != SCHEMA_VERSION:
        raise BackupError(f"the database has schema version {found}: restore into a new, empty one")
    connection.execute(_PATIENCE)
    for table in tables(connection):
        if table == VERSION_TABLE:
            continue
        connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table)))
        most = 1 if table == SEEDED_TABLE else 0
        query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 2) AS few").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
        if row and row[0] > most:
            raise BackupError(f"the database is not empty: {table} has rows; restore into a new, empty one")
    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(SEEDED_TABLE)))


def copy_in(connection: psycopg.Connection[Any], table: str, columns: list[str], blocks: Iterable[bytes]) -> None:
    """Write rows as Postgres wrote them."""
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names(columns))
    with connection.cursor().copy(query) as copy:
        for block in blocks:
            copy.write(block)


def set_sequence(connection: psycopg.Connection[Any], name: str, value: int) -> None:
    """Go on counting from there."""
    connection.execute("SELECT setval(quote_ident(%s)::regclass, %s)", (name, value))


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
