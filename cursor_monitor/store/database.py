"""The connection to Postgres: one engine per process, transactions, plain words when it is out of reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import random
from typing import Any, Concatenate, LiteralString, ParamSpec, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from cursor_monitor.store.outages import out_of_reach, outage_of

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6
_PAUSE_SECONDS = 0.05

# A process that is stopped within a transaction, by a debugger or with its machine, would hold its locks for ever.
# Behind a pooler the server's process is not ours to set up, and has another number than we were told.
IDLE_SECONDS = 10.0
_BOUND_IDLING: LiteralString = (
    "SELECT set_config('idle_in_transaction_session_timeout', %s, false) WHERE pg_backend_pid() = %s"
)

_engine: Engine | None = None
_url: str | None = None
_closers: list[Callable[[], None]] = []
_EFFECTS = "after_commit"

# Asked of the server for each connection; a lost peer is noticed in under half a minute, be it that we wait for its
# answer (the keepalives) or for its having got what we sent (the user timeout; without it, a quarter of an hour).
_CONNECT: dict[str, Any] = {
    "tcp_user_timeout": 20_000,
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "cursor-monitor",
}


def open_database(
    url: str,
    *,
    pool_size: int = 10,
    overflow: int = 5,
    pool_seconds: float = 5.0,
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Point this process at a database; connects only when first used. Call it after any fork.

    Who finds every connection in use waits for `pool_seconds`. A transaction that stands idle for `idle_seconds` is
    ended by the server.
    """
    global _engine, _url
    close_database()
    _url = url
    _engine = create_engine(
        "postgresql+psycopg://",
        # Prepared statements would break behind a transaction pooler (PgBouncer, Supabase's port 6543).
        creator=lambda: _bounded(psycopg.connect(url, prepare_threshold=None, **_CONNECT), idle_seconds),
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=pool_seconds,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
    )


def close_database() -> None:
    """Give every connection back."""
    global _engine
    for closer in _closers:
        closer()
    if _engine is not None:
        _engine.dispose()
        _engine = None


def at_close(closer: Callable[[], None]) -> None:
    """Have this called before the database of this process is closed."""
    _closers.append(closer)


def after_commit(session: Session, effect: Callable[[], None]) -> None:
    """Have this called once when the session's transaction has committed, never when it has not."""
    session.info.setdefault(_EFFECTS, {})[effect] = None


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end of the block or leaves nothing; raises Unavailable without a database."""
    with plainly(), Session(_opened(), expire_on_commit=False) as session:
        with session.begin():
            yield session
        for effect in session.info.get(_EFFECTS, ()):
            effect()


def transactional(use_case: Callable[Concatenate[Session, P], T]) -> Callable[P, T]:
    """Make a function of a session into one of its own transaction, run again after a deadlock."""

    @wraps(use_case)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for left in reversed(range(_TRIES)):
            try:
                with transaction() as session:
                    return use_case(session, *args, **kwargs)
            except DBAPIError as error:
                if not (left and is_transient(error)):
                    raise
                time.sleep(random() * _PAUSE_SECONDS * (_TRIES - left))  # noqa: S311 - so that two do not meet again
        raise AssertionError

    return run


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads that belong together: one snapshot of the database, nothing written."""
    with plainly(), Session(_opened()) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        yield session


def ping() -> None:
    """Raise Unavailable unless the database answers."""
    with plainly(), _opened().connect() as connection:
        connection.execute(text("SELECT 1"))


def connect() -> psycopg.Connection[Any]:
    """A connection of its own, in autocommit; the caller closes it."""
    with plainly():
        return _bounded(psycopg.connect(_address(), autocommit=True, prepare_threshold=None, **_CONNECT), IDLE_SECONDS)


async def connect_listener_async() -> psycopg.AsyncConnection[Any]:
    """The same for an event loop, to LISTEN with; raises Unavailable without a database."""
    try:
        return await psycopg.AsyncConnection.connect(_address(), autocommit=True, prepare_threshold=None, **_CONNECT)
    except psycopg.OperationalError as error:
        raise out_of_reach() from error


def is_transient(error: BaseException) -> bool:
    """True for what the same transaction, run again, may not meet: a deadlock, or a partition that came meanwhile."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None)
    # A row on its way to the rest of the history, while its day gets a partition, violates a constraint with no name.
    is_rerouted = isinstance(original, psycopg.errors.CheckViolation) and original.diag.constraint_name is None
    return is_rerouted or state in {"40001", "40P01"}


def _opened() -> Engine:
    if _engine is None:
        raise RuntimeError("open_database() was not called in this process")
    return _engine


def _address() -> str:
    if _url is None:
        raise RuntimeError("open_database() was not called in this process")
    return _url


@contextmanager
def plainly() -> Iterator[None]:
    """Raise Unavailable for whatever says that the database is out of reach, or takes nothing more for now."""
    try:
        yield
    except (PoolTimeout, psycopg.Error, DBAPIError) as error:
        if is_transient(error) or (outage := outage_of(error)) is None:
            raise
        raise outage from error


def _bounded(connection: psycopg.Connection[Any], idle_seconds: float) -> psycopg.Connection[Any]:
    connection.execute(_BOUND_IDLING, (f"{idle_seconds * 1000:.0f}ms", connection.info.backend_pid))
    if not connection.autocommit:
        connection.commit()
    return connection
