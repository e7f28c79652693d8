"""A backup whole: one moment of the database into a file, and a file into an empty database, all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from cursor_monitor.runtime.backup_file import Reader, Writer
from cursor_monitor.settings import VERSION
from cursor_monitor.store import backup as store
from cursor_monitor.store.backup import BackupError, Sum
from cursor_monitor.store.schema import SCHEMA_VERSION

_CHUNK = 1_000_000
Manifest = dict[str, Any]


def make(url: str, path: Path, passphrase: str | None = None) -> Manifest:
    """Write the file, which is there whole or not at all; its manifest."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with store.snapshot(url) as connection, os.fdopen(_private(partial), "wb") as file:
            manifest = _write(connection, file, passphrase)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def restore(url: str, path: Path, passphrase: Callable[[], str]) -> Manifest:
    """Read the file into an empty database in one transaction; BackupError, and nothing changed, if it is damaged."""
    asked = cache(passphrase)
    verify(path, asked)  # what cannot be used should not hold up a database for hours first
    with path.open("rb") as file:
        reader = Reader(file, asked)
        if reader.facts.get("schema_version") != SCHEMA_VERSION:
            made = f"schema version {reader.facts.get('schema_version')}, program {reader.facts.get('version')}"
            raise BackupError(f"the backup has {made}: restore it with that program, then run `cursor-monitor migrate`")
        with psycopg.connect(url, connect_timeout=10, prepare_threshold=None) as connection:
            store.prepare(connection)
            manifest = _read(connection, reader)
    return manifest


def verify(path: Path, passphrase: Callable[[], str]) -> Manifest:
    """Read the whole file and restore nothing; its manifest."""
    with path.open("rb") as file:
        reader = Reader(file, passphrase)
        while True:
            kind, content = reader.frame()
            if kind == b"M":
                return json.loads(content)


def _write(connection: psycopg.Connection[Any], file: Any, passphrase: str | None) -> Manifest:
    facts = {"made_at": datetime.now(UTC).isoformat(), "version": VERSION, "schema_version": SCHEMA_VERSION}
    writer = Writer(file, facts, passphrase)
    sums: dict[str, Sum] = {}
    for table, columns in store.tables(connection).items():
        if table == store.VERSION_TABLE:
            continue
        writer.frame(b"T", json.dumps({"table": table, "columns": columns}).encode())
        for chunk in _chunks(store.copy_out(connection, table, columns)):
            writer.frame(b"D", chunk)
        sums[table] = store.add_up(connection, table, columns)
    manifest = {
        **facts,
        "sequences": store.sequences(connection),
        "tables": {table: asdict(found) for table, found in sums.items()},
    }
    writer.end(json.dumps(manifest).encode())
    return manifest


def _read(connection: psycopg.Connection[Any], reader: Reader) -> Manifest:
    known = store.tables(connection)
    restored: dict[str, list[str]] = {}
    kind, content = reader.frame()
    while kind == b"T":
        head = json.loads(content)
        table, columns = str(head["table"]), list(head["columns"])
        if table not in known or not {*columns} <= {*known[table]} or table in restored:
            raise BackupError(f"the backup has a table {table[:60]} that does not belong to this version")
        restored[table] = columns
        rows = _Rows(reader)
        store.copy_in(connection, table, columns, rows)
        kind, content = rows.after
    manifest: Manifest = json.loads(content)
    for name, value in manifest["sequences"].items():
        store.set_sequence(connection, name, int(value))
    _compare(connection, restored, manifest)
    return manifest


class _Rows:
    """The data of one table; `after` is the frame that follows it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.after: tuple[bytes, bytes] = (b"", b"")

    def __iter__(self) -> Iterator[bytes]:
        while True:
            kind, content = self._reader.frame()
            if kind != b"D":
                self.after = (kind, content)
                return
            yield content


def _compare(connection: psycopg.Connection[Any], restored: dict[str, list[str]], manifest: Manifest) -> None:
    sums = {table: asdict(store.add_up(connection, table, columns)) for table, columns in restored.items()}
    wrong = sorted(table for table in {*sums, *manifest["tables"]} if sums.get(table) != manifest["tables"].get(table))
    if wrong:
        raise BackupError(f"what was restored is not what was kept ({', '.join(wrong)}); nothing was changed")


def _chunks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
