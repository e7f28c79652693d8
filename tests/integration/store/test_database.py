"""Transactions: run again after a deadlock, whole or not at all, and plain words where there is no database."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import database as db
from cursor_monitor.store.database import open_database, reading, transaction, transactional
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support.postgres import ask, ask_one
from tests.support.proxy import Proxy, through, to_postgres


@pytest.fixture
def two_rows(database: str) -> str:
    ask(database, "INSERT INTO cursor_cache VALUES ('a', '0', now()), ('b', '0', now())")
    return database


def add_one(session: Session, key: str) -> None:
    session.connection().execute(
        text("UPDATE cursor_cache SET value = to_jsonb((value #>> '{}')::int + 1) WHERE key = :key"), {"key": key}
    )


def test_the_victim_of_a_deadlock_runs_again(two_rows: str) -> None:
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    @transactional
    def add_to_both(session: Session, first: str, second: str) -> None:
        tries.append(first)
        add_one(session, first)
        if tries.count(first) == 1:
            both_hold_one.wait(10)
        add_one(session, second)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add_to_both, "ab", "ba"))
    assert len(tries) > 2, "one of them was a victim; both are where both see it at the same moment"
    assert ask(two_rows, "SELECT value FROM cursor_cache ORDER BY key") == [(2,), (2,)]


def test_a_deadlock_that_never_ends_is_raised(database: str) -> None:
    tries: list[int] = []

    @transactional
    def always_a_victim(session: Session) -> None:
        tries.append(1)
        session.connection().execute(text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))

    with pytest.raises(Exception, match=r"40P01|deadlock"):
        always_a_victim()
    assert len(tries) == 6


def test_other_errors_are_raised_at_once(two_rows: str) -> None:
    tries: list[int] = []

    @transactional
    def insert_twice(session: Session) -> None:
        tries.append(1)
        session.connection().execute(text("INSERT INTO cursor_cache VALUES ('a', '0', now())"))

    with pytest.raises(IntegrityError):
        insert_twice()
    assert len(tries) == 1


def test_a_reading_session_sees_one_moment_and_cannot_write(two_rows: str) -> None:
    query = text("SELECT value FROM cursor_cache WHERE key = 'a'")
    with reading() as session:
        before = session.connection().execute(query).scalar()
        with transaction() as other:
            add_one(other, "a")
        assert session.connection().execute(query).scalar() == before
        with pytest.raises(Exception, match="read-only"):
            add_one(session, "a")
    assert ask_one(two_rows, "SELECT value FROM cursor_cache WHERE key = 'a'") == 1


def test_without_a_database_it_says_so(database: str, tmp_path: Path) -> None:
    open_database(f"postgresql://postgres@/nothing?host={tmp_path}")

    def begin() -> None:
        with transaction() as session:
            session.connection()

    for attempt in (db.ping, begin, db.connect):
        with pytest.raises(Unavailable, match="cannot be reached"):
            attempt()


def test_a_lost_connection_is_unavailable_and_the_next_one_works(database: str, server: EmbeddedPostgres) -> None:
    def lose_it() -> None:
        with transaction() as session:
            pid = session.connection().execute(text("SELECT pg_backend_pid()")).scalar()
            ask(server.url, "SELECT pg_terminate_backend(%s, 5000)", (pid,))
            session.connection().execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        lose_it()
    with transaction() as session:
        assert session.connection().execute(text("SELECT 1")).scalar() == 1


def test_a_database_that_comes_back_needs_no_new_start(database: str, server: EmbeddedPostgres) -> None:
    db.ping()
    server.stop()
    try:
        with pytest.raises(Unavailable):
            db.ping()
    finally:
        server.start()
    db.ping()


def test_too_many_connections_are_said_to_be_unavailable(database: str) -> None:
    ask(database, "CREATE ROLE narrow LOGIN CONNECTION LIMIT 1")
    url = database.replace("postgres@", "narrow@")
    try:
        with psycopg.connect(url):
            open_database(url)
            with pytest.raises(Unavailable):
                db.ping()
    finally:
        db.close_database()
        ask(database, "DROP ROLE narrow")


def test_a_pool_that_is_used_up_says_so_and_goes_on(two_rows: str) -> None:
    open_database(two_rows, pool_size=1, overflow=1, pool_seconds=0.05)
    with reading() as first, reading() as second:
        first.connection()
        second.connection()
        with pytest.raises(Unavailable, match="All connections to the database are in use") as found:
            db.ping()
    assert found.value.code == "database_busy"
    db.ping()


def test_a_database_that_became_read_only_is_waited_for(two_rows: str) -> None:
    name = two_rows.partition("?")[0].rpartition("/")[2]
    change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format
    for words, outcome in (("on", pytest.raises(Unavailable, match="read-only")), ("off", nullcontext())):
        with psycopg.connect(two_rows, options="-c default_transaction_read_only=off", autocommit=True) as connection:
            connection.execute(change(sql.Identifier(name), sql.Literal(words)))
        open_database(two_rows)
        with outcome:
            transactional(add_one)("a")
    assert ask_one(two_rows, "SELECT value FROM cursor_cache WHERE key = 'a'") == 1


def test_a_peer_that_takes_nothing_more_is_given_up_in_half_a_minute(database: str) -> None:
    with Proxy(to_postgres(database)) as proxy:
        open_database(through(proxy, database))
        with closing(db.connect()) as connection, socket.socket(fileno=os.dup(connection.fileno())) as link:
            assert 0 < link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000
            assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_a_process_that_stops_within_a_transaction_does_not_hold_its_locks_for_ever(two_rows: str) -> None:
    open_database(two_rows, idle_seconds=0.2)

    def stop_in_the_middle() -> None:
        with transaction() as session:
            add_one(session, "a")
            # As a stopped process would: its session is there, and says nothing more.
            ask(two_rows, "SET statement_timeout = '10s'; UPDATE cursor_cache SET value = '7' WHERE key = 'a'")
            session.connection().execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        stop_in_the_middle()
    assert ask_one(two_rows, "SELECT value FROM cursor_cache WHERE key = 'a'") == 7
