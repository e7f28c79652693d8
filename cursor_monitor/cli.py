"""The `cursor-monitor` command.

Exit codes: 0 all is well; 1 something failed or is out of order; 2 a wrong argument or setting; 3 it cannot start
here as things are (a port, the data folder, a second start).
What speaks to a running product does so over its API; CURSOR_MONITOR_URL and CURSOR_MONITOR_TOKEN say where, as whom.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cursor_monitor.runtime.arguments import ARGUMENTS
from cursor_monitor.runtime.terminal import BLOCKED, FAILED, OK, USAGE, database, fail, show, write

if TYPE_CHECKING:
    from cursor_monitor.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    options = _parser().parse_args(arguments)
    from cursor_monitor.settings import SettingsError

    try:
        settings = _settings()
        return options.run(settings, options)
    except SettingsError as error:
        return fail(str(error), USAGE)
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
        if name in ARGUMENTS:
            ARGUMENTS[name](command)
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
        return fail(str(error), BLOCKED)


def _app(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import pages, preflight, product

    try:
        preflight.check_data_dir(settings.data_dir)
        preflight.check_port("PORT", settings.host, settings.port)
    except preflight.NotReadyError as error:
        return fail(str(error), BLOCKED)
    environ = _with_database(settings)
    if environ is None:
        return BLOCKED
    if not pages.is_built(ROOT):
        return fail("the pages are not built: run `python -m cursor_monitor.runtime.pages`", BLOCKED)
    preflight.allow_connections(product.OPEN_FILES)
    return _become(product.app_command(settings), product.app_environment(environ, settings.data_dir))


def _worker(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product

    environ = _with_database(settings)
    return BLOCKED if environ is None else _become(product.worker_command(), environ)


def _simulator(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product

    return _become(product.simulator_command(), dict(os.environ))


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime.doctor import examine

    findings = []
    for finding in examine(settings):
        findings.append(finding)
        if not options.json:
            write(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
            if finding.mend:
                write(f"      to mend it: {finding.mend}")
    well = all(finding.ok for finding in findings)
    if options.json:
        write(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}, indent=2))
    return OK if well else FAILED


def _secrets(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.domain.errors import AppError
    from cursor_monitor.services.rotation import rotate
    from cursor_monitor.services.startup import close_all, open_all

    try:
        with database(settings) as url:
            open_all(replace(settings, database_url=url))
            try:
                count = rotate()
            finally:
                close_all()
    except (AppError, OSError) as error:
        return fail(str(error), FAILED)
    show({"resealed": count}, f"{count} stored keys are now encrypted with the new master key", options)
    return OK


def _status(settings: Settings, options: argparse.Namespace) -> int:
    from cursor_monitor.runtime import product
    from cursor_monitor.runtime.status import fetch_health, render_health

    health = fetch_health(product.local_address(settings))
    if health is None:
        show({"status": "not running"}, f"not running at {product.address(settings)}", options)
        return FAILED
    show(health, render_health(health, product.address(settings)), options)
    return OK if health.get("status") == "ok" else FAILED


def _with_database(settings: Settings) -> dict[str, str] | None:
    """The environment for a part that runs alone; None, with a line on stderr, where it has no database."""
    from cursor_monitor.store.embedded import EmbeddedPostgres

    if settings.database_url:
        return dict(os.environ)
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    if server.is_used():
        return {**os.environ, "DATABASE_URL": server.url}
    fail("DATABASE_URL is not set: set it, or run `cursor-monitor up`, which brings a database", BLOCKED)
    return None


def _become(command: list[str], environ: dict[str, str]) -> int:
    """Replace this process, so that signals reach the command itself."""
    sys.stdout.flush()
    os.execve(command[0], command, environ)  # noqa: S606


def _later(module: str) -> _Run:
    """The `run` of a module that is imported once it is needed."""

    def run(settings: Settings, options: argparse.Namespace) -> int:
        import importlib

        return importlib.import_module(f"cursor_monitor.runtime.{module}").run(settings, options)

    return run


_Run = Callable[["Settings", argparse.Namespace], int]
_COMMANDS: tuple[tuple[str, _Run, str, bool], ...] = (
    ("up", _up, "start everything, watch over it, and stop it on Ctrl-C", False),
    ("app", _app, "serve pages and API alone, with DATABASE_URL", False),
    ("worker", _worker, "run the worker alone, with DATABASE_URL", False),
    ("simulator", _simulator, "run the simulator of Cursor's API alone", False),
    ("migrate", _later("migrate_command"), "bring the database's schema up to date; --dry-run shows the plan", True),
    ("secrets", _secrets, "change the master key: `secrets rotate` encrypts every stored key anew", True),
    ("users", _later("people"), "who may sign in: list, add, role, disable, enable, password", True),
    ("tokens", _later("tokens_command"), "API tokens for programs: add, list, revoke", True),
    ("backup", _later("backup_command"), "the database of this moment into one file, encrypted on demand", True),
    ("restore", _later("backup_command"), "a backup into an empty database, all or nothing", True),
    ("doctor", _doctor, "look for what is wrong, and say how to mend it", True),
    ("status", _status, "ask the running product how it is", True),
    ("launch", _later("launch_command"), "launch an orchestration, or show its plan", True),
    ("watch", _later("watch_command"), "follow an orchestration to its end", True),
    ("mcp", _later("mcp_command"), "serve agents by the Model Context Protocol, on stdin and stdout", False),
    ("export", _later("export_command"), "an orchestration, an agent or the fleet as a file", False),
)


if __name__ == "__main__":
    sys.exit(main())
