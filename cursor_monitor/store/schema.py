"""Applying schema.sql, and knowing which version a database has."""

from __future__ import annotations

from pathlib import Path

import psycopg

SCHEMA_VERSION = 4
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema.sql"


def migrate(url: str) -> int:
    """Bring the database up to SCHEMA_VERSION, losing nothing; return the version.

    Raises psycopg.Error where the database refuses, RuntimeError where it is newer than this program.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None) as connection:
        found = known_version(connection)
        if found != SCHEMA_VERSION:
            connection.execute(SCHEMA_FILE.read_text(encoding="utf-8").encode())
        return SCHEMA_VERSION


def version(url: str) -> int | None:
    """The schema version of the database; None where it was never applied."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None) as connection:
        return _version(connection)


def known_version(connection: psycopg.Connection[tuple[object, ...]]) -> int | None:
    """The same on an open connection; RuntimeError where it is newer than this program."""
    found = _version(connection)
    if found is not None and found > SCHEMA_VERSION:
        raise RuntimeError(
            f"the database has schema version {found}, this program knows {SCHEMA_VERSION}: "
            "start the newer program, or restore a backup made before the upgrade"
        )
    return found


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> int | None:
    row = connection.execute("SELECT to_regclass('schema_version')").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    return int(str(row[0])) if row and row[0] is not None else None
