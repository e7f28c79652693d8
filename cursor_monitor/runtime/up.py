"""`cursor-monitor up`: everything from an empty folder to an open page, and back to nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace

import psycopg

from cursor_monitor.runtime import pages, preflight, product
from cursor_monitor.runtime.children import follow_parent
from cursor_monitor.runtime.console import Console
from cursor_monitor.runtime.parts import Database
from cursor_monitor.runtime.run_file import RunFile
from cursor_monitor.runtime.supervisor import StartFailedError, Supervisor
from cursor_monitor.settings import Settings
from cursor_monitor.store.embedded import EmbeddedPostgres

SCHEMA_ATTEMPTS = 5


def up(settings: Settings, console: Console) -> int:
    """Run the product until SIGINT or SIGTERM; 0 after an orderly end, 1 where it could not be brought up."""
    if "CURSOR_MONITOR_STARTED" in os.environ:
        # Nobody would be left to stop us if make were killed.
        follow_parent()
    settings = replace(settings, data_dir=(product.ROOT / settings.data_dir).resolve())
    preflight.check_data_dir(settings.data_dir)
    run_file = RunFile(settings.data_dir)
    run_file.take(product.address(settings))
    try:
        _check_ports(settings)
        preflight.allow_connections(product.OPEN_FILES)
        pages.check_node()
        return asyncio.run(_Up(settings, console, run_file).run())
    finally:
        run_file.release()


def _check_ports(settings: Settings) -> None:
    preflight.check_port("PORT", settings.host, settings.port)
    if product.starts_simulator(settings):
        preflight.check_port("SIMULATOR_PORT", "127.0.0.1", settings.simulator_port)


class _Up:
    def __init__(self, settings: Settings, console: Console, run_file: RunFile) -> None:
        self._settings = settings
        self._console = console
        self._supervisor = Supervisor(console.say)
        self._supervisor.on_change = run_file.note
        self._has_pages = pages.is_built(product.ROOT)
        self._from_nothing = not self._has_pages and not (settings.data_dir / "postgres").exists()

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._supervisor.request_stop)
        bringing = asyncio.create_task(self._bring_up())
        stopped = asyncio.create_task(self._supervisor.wait_for_stop())
        try:
            await asyncio.wait({bringing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not stopped.done():
                await bringing
                await stopped
        except (RuntimeError, OSError, psycopg.Error) as error:
            self._console.say(f"cursor-monitor: {error}")
            return 1
        finally:
            await self._take_down(bringing)
        return 0

    async def _bring_up(self) -> None:
        settings, console = self._settings, self._console
        with console.step(2, self._database_title()):
            url = await self._start_database()
            version = await self._migrate(url)
        console.say(f"      schema version {version}")
        await self._build_pages()
        environ = product.environment(settings, url)
        with console.step(4, "Starting the worker" + (" and the simulator" if self._simulates else "")):
            if self._simulates:
                await self._supervisor.start(product.simulator_part(settings, environ))
            await self._supervisor.start(product.worker_part(settings, environ))
        with console.step(5, "Starting the app"):
            await self._supervisor.start(product.app_part(settings, environ))
        self._announce()

    @property
    def _simulates(self) -> bool:
        return product.starts_simulator(self._settings)

    def _database_title(self) -> str:
        return "Preparing the database" if self._settings.database_url else "Starting the embedded Postgres"

    async def _start_database(self) -> str:
        if self._settings.database_url:
            return self._settings.database_url
        server = EmbeddedPostgres(self._settings.data_dir / "postgres")
        await self._supervisor.start(Database(server))
        return server.url

    async def _migrate(self, url: str) -> int:
        from cursor_monitor.store import schema

        for attempt in range(1, SCHEMA_ATTEMPTS + 1):
            try:
                return await asyncio.to_thread(schema.migrate, url)
            except psycopg.OperationalError as error:
                if attempt == SCHEMA_ATTEMPTS:
                    problem = f"the database cannot be reached: {_first_line(error)}; check DATABASE_URL"
                    raise StartFailedError(problem) from None
                self._console.say(f"the database cannot be reached ({_first_line(error)}); trying again in {attempt} s")
                await asyncio.sleep(attempt)
        raise AssertionError

    async def _build_pages(self) -> None:
        if self._has_pages:
            self._console.say("[3/5] Pages: already built")
            return
        with self._console.step(3, "Building the pages", "about 30 s, after the first time only when they changed"):
            await pages.build(product.ROOT, self._settings.data_dir)

    def _announce(self) -> None:
        settings, console = self._settings, self._console
        if settings.simulated:
            console.say("no CURSOR_API_KEY is set: agents are played by the built-in simulator")
        if settings.supabase_url and not settings.database_url:
            console.say(
                "SUPABASE_URL is set, DATABASE_URL is not: the data is in the embedded Postgres, not in Supabase"
            )
        console.say(_who_may_come_in(settings))
        since = "from nothing in" if self._from_nothing else "in"
        console.say(f"Cursor Monitor is ready at {product.address(settings)} ({since} {console.elapsed_seconds:.0f} s)")

    async def _take_down(self, bringing: asyncio.Task[None]) -> None:
        bringing.cancel()
        await asyncio.gather(bringing, return_exceptions=True)
        await self._supervisor.stop()
        self._console.say("stopped; the data is kept")


def _who_may_come_in(settings: Settings) -> str:
    if not settings.requires_sign_in:
        return "open without a sign-in, as only this machine can reach it (AUTH_REQUIRED=1 asks who is there)"
    if settings.admin_email:
        return f"everybody signs in; the first administrator is {settings.admin_email}"
    return "everybody signs in; the first visit creates the administrator"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
