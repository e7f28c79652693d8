"""`python -m cursor_monitor.simulator`: one process that ends within a second of SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from cursor_monitor.settings import SettingsError
from cursor_monitor.simulator.app import serve
from cursor_monitor.simulator.config import SimConfig, load_config
from cursor_monitor.simulator.journal import JournalError
from cursor_monitor.simulator.simulator import Simulator

SAVE_SECONDS = 1.0
GRACE_SECONDS = 0.4


def main() -> int:
    """Serve until SIGTERM or SIGINT; exit code 2 where the configuration or the state file is wrong."""
    try:
        config = load_config()
        _check_port(config)
        simulator = Simulator(config)
    except (SettingsError, JournalError, OSError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    asyncio.run(_run(config, simulator))
    return 0


def _check_port(config: SimConfig) -> None:
    # The server shares a port that is in use, and each of the two would then get some of the requests.
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((config.host, config.port))


async def _run(config: SimConfig, simulator: Simulator) -> None:
    simulator.start()
    server = Server(
        serve(simulator),
        address=config.host,
        port=config.port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
    )
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve())
    saving = asyncio.create_task(_save(simulator))
    await asyncio.wait({serving, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
    await _stop(server, serving, saving)
    simulator.close()
    # Open streams would keep the server's threads, and so the process, for as long as their clients like.
    os._exit(0 if stopping.is_set() else 1)


async def _stop(server: Server, serving: asyncio.Task[None], saving: asyncio.Task[None]) -> None:
    saving.cancel()
    if serving.done() and serving.exception():
        sys.stderr.write(f"simulator: {serving.exception()}\n")
    server.stop()
    await asyncio.wait({serving}, timeout=GRACE_SECONDS)


async def _save(simulator: Simulator) -> None:
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        simulator.save_counts()


if __name__ == "__main__":
    sys.exit(main())
