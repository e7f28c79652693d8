"""The product's processes: the command line and the environment of each."""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from cursor_monitor.runtime.parts import Command
from cursor_monitor.runtime.ports import answers, probe_host, url_host
from cursor_monitor.settings import CURSOR_API, SIMULATOR_TOKEN, Settings

ROOT = Path(__file__).resolve().parents[2]
HEALTH = "/api/cloud-agents/health"
# How long open streams of the app may hold up its end.
APP_GRACE_SECONDS = 6.0
WORKER_MARGIN_SECONDS = 5.0
MOST_CONNECTIONS = 8192
OPEN_FILES = MOST_CONNECTIONS + 500
HEAD_MILLISECONDS = 10_000


def address(settings: Settings) -> str:
    """The URL a person opens."""
    return settings.public_url or f"http://{url_host(settings.host)}:{settings.port}"


def local_address(settings: Settings) -> str:
    """The URL under which this machine reaches the app."""
    host = probe_host(settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def starts_simulator(settings: Settings) -> bool:
    """True where the built-in simulator plays Cursor's API: no key, and no other address was chosen."""
    return settings.simulated and settings.cursor_api_url == CURSOR_API


def environment(settings: Settings, database_url: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every part sees: the given environment with what `up` has decided."""
    decided = {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(settings.data_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
    }
    if starts_simulator(settings):
        simulator = f"http://127.0.0.1:{settings.simulator_port}"
        decided |= {"CURSOR_API_URL": simulator}
        if not (environ or os.environ).get("GITHUB_API_URL"):
            # A real token is not for the simulator.
            decided |= {"GITHUB_API_URL": f"{simulator}/github", "GITHUB_TOKEN": SIMULATOR_TOKEN}
    return {**(os.environ if environ is None else environ), **decided}


def app_command(settings: Settings) -> list[str]:
    """The web server: pages, API and websocket in one process (Reflex keeps its state in memory and on disk)."""
    server = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    server += ["--host", settings.host, "--port", str(settings.port)]
    server += ["--workers", "1", "--workers-kill-timeout", "3", "--no-access-log"]
    # Each open connection holds a place, an idle one and a page's websocket too: there are many, and nobody keeps one
    # for a head that does not end.
    server += ["--backlog", str(MOST_CONNECTIONS), "--backpressure", str(MOST_CONNECTIONS)]
    server += ["--http1-header-read-timeout", str(HEAD_MILLISECONDS)]
    return [*server, "--log-level", "warning", "cursor_monitor.cursor_monitor:app"]


def app_environment(environ: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """Reflex serves what was built and does not compile again; Node is not needed."""
    return {
        **environ,
        "REFLEX_ENV_MODE": "prod",
        # Internal names of Reflex 0.10, hence the pinned version and the test of a whole start.
        "__REFLEX_SKIP_COMPILE": "yes",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "REFLEX_STATES_WORKDIR": str(data_dir / "states"),
        "REFLEX_DIR": str(data_dir / "reflex"),
        "REFLEX_CHECK_LATEST_VERSION": "false",
    }


def worker_command() -> list[str]:
    """The worker."""
    return [sys.executable, "-m", "worker"]


def simulator_command() -> list[str]:
    """The simulator."""
    return [sys.executable, "-m", "cursor_monitor.simulator"]


def app_part(settings: Settings, environ: Mapping[str, str]) -> Command:
    """The app, ready when its health route answers, whatever it says."""
    return Command(
        "app",
        app_command(settings),
        cwd=ROOT,
        environ=app_environment(environ, settings.data_dir),
        grace_seconds=APP_GRACE_SECONDS,
        is_ready=lambda: asyncio.to_thread(is_up, local_address(settings)),
        ready_seconds=120,
    )


def worker_part(settings: Settings, environ: Mapping[str, str]) -> Command:
    """The worker, with time to finish what it has begun."""
    grace = settings.drain_seconds + WORKER_MARGIN_SECONDS
    return Command("worker", worker_command(), cwd=ROOT, environ=environ, grace_seconds=grace)


def simulator_part(settings: Settings, environ: Mapping[str, str]) -> Command:
    """The simulator, which keeps its agents in the data folder."""
    state_file = environ.get("SIM_STATE_FILE") or str(settings.data_dir / "simulator.json")
    return Command(
        "simulator",
        simulator_command(),
        cwd=ROOT,
        environ={**environ, "SIMULATOR_PORT": str(settings.simulator_port), "SIM_STATE_FILE": state_file},
        is_ready=lambda: answers("127.0.0.1", settings.simulator_port),
    )


def is_up(url: str) -> bool:
    """True where the app answers on its health route, be it that something is out of order."""
    try:
        with urllib.request.urlopen(f"{url}{HEALTH}", timeout=5) as response:  # noqa: S310
            return response.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 503
    except OSError:
        return False
