"""`cursor-monitor doctor`: what works and what does not, each with the way to mend it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from cursor_monitor.runtime import account_looks, pages, preflight, product, supabase_look
from cursor_monitor.runtime.ports import why_not_free
from cursor_monitor.settings import GITHUB_API, Settings

SKEW_SECONDS = 5.0
FREE_BYTES = 500_000_000
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` is empty where nothing needs mending."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


class _Wrong(Exception):
    """What a look found to be wrong, and how to mend it."""

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.finding = (detail, mend)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other; a look that itself breaks hides none of the others."""
    running = product.is_up(product.local_address(settings))
    database = _database_url(settings)
    yield Finding(
        "configuration", True, f"all variables can be used; the app is {'running' if running else 'not running'}"
    )
    yield _look("data folder", lambda: _data_folder(settings))
    yield _look("pages", _pages)
    yield _look("port", lambda: _port("PORT", settings.host, settings.port, running))
    if product.starts_simulator(settings):
        yield _look("simulator port", lambda: _port("SIMULATOR_PORT", "127.0.0.1", settings.simulator_port, running))
    yield _look("database", lambda: _database(database))
    yield _look("schema", lambda: _schema(database))
    yield _look("listen", lambda: _listen(database))
    yield _look("clock", lambda: _clock(database))
    yield _look("work", lambda: work(database, running))
    if settings.redis_host:
        yield _look("redis", lambda: _redis(settings))
    yield _look("cursor", lambda: _cursor(settings))
    for account_id, name, sealed, api_url in account_looks.stored_accounts(database):
        yield _look(f"account {name}", partial(account_looks.look_at_account, settings, account_id, sealed, api_url))
    if settings.has_supabase:
        yield _look("supabase", lambda: supabase_look.look_at_supabase(settings))
    yield _look("code host", lambda: _code_host(settings))


def _look(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except (_Wrong, account_looks.AccountWrong, supabase_look.SupabaseWrong) as wrong:
        return Finding(name, False, *wrong.finding)
    except (preflight.NotReadyError, pages.PagesError) as error:
        return Finding(name, False, str(error))
    except Exception as error:
        said = next(iter(str(error).strip().splitlines()), "")
        return Finding(name, False, f"{type(error).__name__}: {said}", _MENDS.get(name, ""))


_MENDS = {
    "database": "start the product with `make run`, or check DATABASE_URL and that its server is up",
    "schema": "run `cursor-monitor migrate`",
    "listen": "use a direct or session connection in DATABASE_URL (Supabase: port 5432, not 6543)",
    "clock": "mend the database first",
    "redis": "check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, or leave REDIS_HOST empty to do without",
    "code host": "check GITHUB_TOKEN and GITHUB_API_URL, and that the network lets requests out",
    "cursor": "check CURSOR_API_KEY and CURSOR_API_URL, and that the network lets requests out",
}


# By what the server or the driver says of it.
_DATABASE_MENDS = (
    (
        "Network is unreachable",
        "the direct address of a Supabase project has IPv6 alone: take the session pooler's connection string",
    ),
    ("could not translate host name", "check the host in DATABASE_URL, and that names can be looked up here"),
    ("failed to resolve host", "check the host in DATABASE_URL, and that names can be looked up here"),
    ("password authentication failed", "check user and password in DATABASE_URL; # / @ : are %23 %2F %40 %3A there"),
    ("Tenant or user not found", "at Supabase's pooler the user is postgres.your-project, not postgres"),
    (
        "server does not support SSL",
        "turn TLS on at the server; a database beyond one's own network is used over TLS alone",
    ),
)
_WORK_MENDS = {
    "worker": "start one (`docker compose up -d worker`, `make run`); if one runs, its log says what it lacks",
    "outbox": "see the page Queue for what waits for what; raise WORKER_CONCURRENCY or start one more worker",
}


def _database_url(settings: Settings) -> str:
    from cursor_monitor.store.embedded import EmbeddedPostgres

    return settings.database_url or EmbeddedPostgres(settings.data_dir / "postgres").url


def _data_folder(settings: Settings) -> str:
    preflight.check_data_dir(settings.data_dir)
    free = shutil.disk_usage(settings.data_dir).free
    if free < FREE_BYTES:
        raise _Wrong(f"{free / 1e6:.0f} MB are free in {settings.data_dir}", "make room, or choose another DATA_DIR")
    return f"{settings.data_dir} can be written, {free / 1e9:.1f} GB are free"


def _pages() -> str:
    if pages.is_built(product.ROOT):
        return "are built"
    return f"will be built with Node {pages.check_node()} at the next start"


def _port(variable: str, host: str, port: int, running: bool) -> str:
    if running:
        return f"{port} is used by the running product"
    problem = why_not_free(host, port)
    if problem is not None:
        raise _Wrong(f"{port} of {host} cannot be used: {problem}", f"choose another, as in {variable}={port + 1}")
    return f"{port} of {host} is free"


def _database(url: str) -> str:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            number, is_secret = connection.info.server_version, connection.pgconn.ssl_in_use
    except psycopg.OperationalError as error:
        said = next(iter(str(error).strip().splitlines()), "")
        mend = next((mend for word, mend in _DATABASE_MENDS if word in str(error)), _MENDS["database"])
        raise _Wrong(f"{type(error).__name__}: {said}", mend) from None
    if number < 150000:
        raise _Wrong(f"is Postgres {number // 10000}", "use Postgres 15 or newer")
    return f"answers, Postgres {number // 10000}.{number % 10000}{', over TLS' if is_secret else ''}"


def _schema(url: str) -> str:
    from cursor_monitor.store import schema

    found = schema.version(url)
    if found != schema.SCHEMA_VERSION:
        raise _Wrong(f"is at version {found}, {schema.SCHEMA_VERSION} is needed", _MENDS["schema"])
    return f"version {found}"


def _listen(url: str) -> str:
    import psycopg

    channel, word = "cursor_monitor_doctor", uuid.uuid4().hex
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as listener:
        listener.execute(f"LISTEN {channel}")
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as speaker:
            speaker.execute("SELECT pg_notify(%s, %s)", (channel, word))
        for notice in listener.notifies(timeout=CONNECT_SECONDS):
            if notice.payload == word:
                return "a notice arrives"
    raise _Wrong("no notice arrived: pages and workers only learn of changes by polling", _MENDS["listen"])


def _clock(url: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        before = datetime.now(UTC)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        middle = before + (datetime.now(UTC) - before) / 2
    assert row is not None  # noqa: S101
    skew = abs((row[0] - middle).total_seconds())
    if skew > SKEW_SECONDS:
        raise _Wrong(f"differs from the database's by {skew:.1f} s", "set the time of both machines (NTP)")
    return f"differs from the database's by {skew:.3f} s"


def work(url: str, running: bool) -> str:
    """Whether somebody does what is due; while nothing runs, nobody has to."""
    if not running:
        return "nothing runs here, so nobody has to do it"
    from cursor_monitor.queries.health import get_health
    from cursor_monitor.store.database import close_database, open_database

    open_database(url, pool_size=1)
    try:
        parts = {part.name: part for part in get_health().components}
    finally:
        close_database()
    for name in ("worker", "outbox"):
        if parts[name].status in ("down", "degraded"):
            raise _Wrong(parts[name].message, _WORK_MENDS[name])
    return f"{parts['worker'].message} {parts['outbox'].message}"


def _redis(settings: Settings) -> str:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    host = settings.redis_host or ""
    client = redis.Redis(
        host,
        settings.redis_port,
        password=settings.redis_password,
        socket_timeout=CONNECT_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # whoever asks waits for the answer
    )
    with client:
        client.ping()
    return f"{host}:{settings.redis_port} answers"


def _cursor(settings: Settings) -> str:
    if product.starts_simulator(settings):
        try:
            socket.create_connection(("127.0.0.1", settings.simulator_port), timeout=CONNECT_SECONDS).close()
        except OSError:
            return "no CURSOR_API_KEY: the simulator will be used, and runs only with the product"
        return "no CURSOR_API_KEY: the simulator is used, and answers"
    return asyncio.run(_ask_cursor(settings))


async def _ask_cursor(settings: Settings) -> str:
    from cursor_monitor.cursor.client import build_client
    from cursor_monitor.cursor.errors import Permanent

    client = build_client(settings.cursor_api_url, settings.cursor_api_key or "simulator")
    try:
        async with asyncio.timeout(30):
            account = await client.get_me()
    except Permanent as error:
        raise _Wrong(f"refuses the key: {error}", "put a valid key of Cursor's dashboard in CURSOR_API_KEY") from None
    finally:
        await client.aclose()
    return f"accepts the key {account.key_name!r}"


def _code_host(settings: Settings) -> str:
    if product.starts_simulator(settings) and settings.github_api_url == GITHUB_API:
        return "no CURSOR_API_KEY: the simulator's code host will be used"
    if settings.code_host_token is None:
        return "no GITHUB_TOKEN: pull requests, checks and changed files are shown as unknown"
    return asyncio.run(_ask_code_host(settings, settings.code_host_token))


async def _ask_code_host(settings: Settings, token: str) -> str:
    from cursor_monitor.codehost.client import build_code_host
    from cursor_monitor.codehost.errors import CodeHostError

    host = build_code_host(settings.github_api_url, token)
    try:
        async with asyncio.timeout(30):
            limits = await host.check_token()
    except CodeHostError as error:
        if error.kind != "token":
            raise
        raise _Wrong(f"refuses the token: {error.message}", "put a valid token in GITHUB_TOKEN") from None
    finally:
        await host.aclose()
    return f"accepts the token; {limits.remaining} of {limits.limit} requests of this hour are left"
