"""The `cursor-monitor` command.

Exit codes: 0 all is well; 1 something failed or is out of order; 2 a wrong argument or setting; 3 it cannot start
here as things are (a port, the data folder, a second start).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cursor_monitor.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
OK, FAILED, USAGE, BLOCKED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    options = _parser().parse_args(arguments)
    from cursor_monitor.settings import SettingsError

    try:
        settings = _settings()
        return options.run(settings, options)
    except SettingsError as error:
        return _fail(str(error), USAGE)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has enough; without this Python complains once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cursor-monitor",
        description="The self-hosted control room for fleets of Cursor cloud agents.",
        epilog="Settings come from the environment and from .env; .env.example lists them all.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, run, summary, has_data in _COMMANDS:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=run)
        if has_data:
            command.add_argument("--json", action="store_true", help="print JSON for programs")
        if name == "secrets":
            command.add_argument("action", choices=("rotate",), help="what to do")
    return parser


def _settings() -> Settings:
    """The settings of `.env` and the environment, which from here on are one."""
    from cursor_monitor.runtime.dotenv import with_env_file
    from cursor_monitor.settings import load_settings

    os.environ.update(with_env_file(os.environ, ROOT / ".env"))
    os.chdir(ROOT)
    settings = load_settings()
    return replace(settings, data_dir=settings.data_dir.resolve())


def _up(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime.console import Console
    from cursor_monitor.runtime.pages import PagesError
    from cursor_monitor.runtime.preflight import NotReadyError
    from cursor_monitor.runtime.run_file import AlreadyRunningError
    from cursor_monitor.runtime.up import up

    started = os.environ.get("CURSOR_MONITOR_STARTED", "")
    try:
        return up(settings, Console(started_at=float(started) if started.isdigit() else None))
    except (NotReadyError, AlreadyRunningError, PagesError) as error:
        return _fail(str(error), BLOCKED)


def _app(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import pages, preflight, product

    try:
        preflight.check_data_dir(settings.data_dir)
        preflight.check_port("PORT", settings.host, settings.port)
    except preflight.NotReadyError as error:
        return _fail(str(error), BLOCKED)
    environ = _with_database(settings)
    if environ is None:
        return BLOCKED
    if not pages.is_built(ROOT):
        return _fail("the pages are not built: run `python -m cursor_monitor.runtime.pages`", BLOCKED)
    return _become(product.app_command(settings), product.app_environment(environ, settings.data_dir))


def _worker(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product

    environ = _with_database(settings)
    return BLOCKED if environ is None else _become(product.worker_command(), environ)


def _simulator(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product

    return _become(product.simulator_command(), dict(os.environ))


def _migrate(settings: Settings, options: argparse.Namespace) -> int:
    import psycopg

    from cursor_monitor.store import schema

    try:
        with _database(settings) as url:
            version = schema.migrate(url)
    except (psycopg.Error, RuntimeError, OSError) as error:
        return _fail(str(error).strip(), FAILED)
    _print({"schema_version": version}, f"schema version {version}", options)
    return OK


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime.doctor import examine

    findings = []
    for finding in examine(settings):
        findings.append(finding)
        if not options.json:
            _write(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
            if finding.mend:
                _write(f"      to mend it: {finding.mend}")
    well = all(finding.ok for finding in findings)
    if options.json:
        _write(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}, indent=2))
    return OK if well else FAILED


def _secrets(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.domain.errors import AppError
    from cursor_monitor.services.rotation import rotate
    from cursor_monitor.services.startup import close_all, open_all

    try:
        with _database(settings) as url:
            open_all(replace(settings, database_url=url))
            try:
                count = rotate()
            finally:
                close_all()
    except (AppError, OSError) as error:
        return _fail(str(error), FAILED)
    _print({"resealed": count}, f"{count} stored keys are now encrypted with the new master key", options)
    return OK


def _status(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product
    from cursor_monitor.runtime.status import fetch_health, render_health

    health = fetch_health(product.local_address(settings))
    if health is None:
        _print({"status": "not running"}, f"not running at {product.address(settings)}", options)
        return FAILED
    _print(health, render_health(health, product.address(settings)), options)
    return OK if health.get("status") == "ok" else FAILED


def _database(settings: Settings) -> Any:
    """The URL of the database, running the embedded one where nobody else does."""
    import contextlib

    from cursor_monitor.store.embedded import EmbeddedPostgres, running

    if settings.database_url:
        return contextlib.nullcontext(settings.database_url)
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    return contextlib.nullcontext(server.url) if server.is_used() else running(server.data_dir)


def _with_database(settings: Settings) -> dict[str, str] | None:
    """The environment for a part that runs alone; None, with a line on stderr, where it has no database."""
    from cursor_monitor.store.embedded import EmbeddedPostgres

    if settings.database_url:
        return dict(os.environ)
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    if server.is_used():
        return {**os.environ, "DATABASE_URL": server.url}
    _fail("DATABASE_URL is not set: set it, or run `cursor-monitor up`, which brings a database", BLOCKED)
    return None


def _become(command: list[str], environ: dict[str, str]) -> int:
    """Replace this process, so that signals reach the command itself."""
    sys.stdout.flush()
    os.execve(command[0], command, environ)  # noqa: S606


def _print(data: dict[str, Any], text: str, options: argparse.Namespace) -> None:
    _write(json.dumps(data, indent=2) if options.json else text)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"cursor-monitor: {message}\n")
    return code


_Run = Callable[["Settings", argparse.Namespace], int]
_COMMANDS: tuple[tuple[str, _Run, str, bool], ...] = (
    ("up", _up, "start everything, watch over it, and stop it on Ctrl-C", False),
    ("app", _app, "serve pages and API alone, with DATABASE_URL", False),
    ("worker", _worker, "run the worker alone, with DATABASE_URL", False),
    ("simulator", _simulator, "run the simulator of Cursor's API alone", False),
    ("migrate", _migrate, "bring the database's schema up to date", True),
    ("secrets", _secrets, "change the master key: `secrets rotate` encrypts every stored key anew", True),
    ("doctor", _doctor, "look for what is wrong, and say how to mend it", True),
    ("status", _status, "ask the running product how it is", True),
)


if __name__ == "__main__":
    sys.exit(main())
