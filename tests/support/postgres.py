"""Databases on one embedded server: made from a template, asked, dropped."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from cursor_monitor.store import schema
from cursor_monitor.store.embedded import EmbeddedPostgres

TEMPLATE = "template_test"


def make_template(server: EmbeddedPostgres) -> None:
    """A database with the schema, for others to be copied from."""
    make_database(server, TEMPLATE, "template0")
    schema.migrate(url_of(server, TEMPLATE))


def make_database(server: EmbeddedPostgres, name: str | None = None, template: str = TEMPLATE) -> str:
    """A new database; returns its URL."""
    chosen = name or f"test_{uuid.uuid4().hex}"
    names = sql.Identifier(chosen), sql.Identifier(template)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names))
    return url_of(server, chosen)


def drop_database(server: EmbeddedPostgres, url: str) -> None:
    """Remove a database, whoever is still connected."""
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def url_of(server: EmbeddedPostgres, name: str) -> str:
    """The URL of a database on the server."""
    return server.url.replace("/postgres?", f"/{name}?")


def ask(url: str, query: LiteralString, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement in a connection of its own; returns its rows, none where it has none."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        cursor = connection.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


def ask_one(url: str, query: LiteralString, values: Sequence[Any] = ()) -> Any:
    """The one value that a query gives."""
    return ask(url, query, values)[0][0]
