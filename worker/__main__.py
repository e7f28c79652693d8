"""The worker's composition root: settings, client, runner, clock, signals."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
import sys

from cursor_monitor.codehost.client import build_code_host
from cursor_monitor.cursor.contact import Contact
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.logs import configure_logging
from cursor_monitor.services import maintenance
from cursor_monitor.services.clients import ClientRegistry, EnvironmentKey
from cursor_monitor.services.startup import begin_tracing, close_all, open_all
from cursor_monitor.settings import CURSOR_API, Settings, SettingsError, load_settings
from cursor_monitor.tracing import stop_tracing
from worker.handlers import build_handlers
from worker.maintenance import Maintenance
from worker.runner import Runner
from worker.streams import Streamer
from worker.wakeup import Wakeup

log = logging.getLogger("worker")

_KNOWN_SECONDS = 4.0
# The thread that settles and claims waits for no longer than this for its turn beside busy handlers, at each answer.
_SWITCH_SECONDS = 0.0005


def main() -> int:
    """Run a worker until SIGTERM or SIGINT; 0 after a drain, 2 for settings that cannot work."""
    try:
        settings = load_settings()
        _check(settings)
        configure_logging(settings.log_level)
        open_all(settings, pool_size=8)
        begin_tracing(settings, "worker")
    except SettingsError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        asyncio.run(work(settings))
    finally:
        stop_tracing()
        close_all()
    return 0


async def work(settings: Settings) -> None:
    """Claim and run jobs until told to stop, then drain."""
    instance = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
    contact = Contact()
    key = settings.cursor_api_key or "simulator"
    environment = EnvironmentKey(key, settings.cursor_api_url, settings.cursor_rate_per_minute)
    clients = ClientRegistry(environment, contact)
    token = settings.code_host_token
    host = build_code_host(settings.github_api_url, token) if token else None
    wakeup = Wakeup()
    streamer = Streamer(
        instance,
        clients,
        capacity=settings.streams_per_worker,
        lease_seconds=settings.lease_seconds,
        holder=lambda: wakeup.holder,
        is_quiet=lambda: (seen := runner.seen) is not None and not seen[1].has_streams,
        random=random.random,
    )
    runner = Runner(
        instance,
        build_handlers(clients, host),
        wakeup,
        concurrency=settings.worker_concurrency,
        lease_seconds=settings.lease_seconds,
        poll_seconds=settings.poll_seconds,
        on_done=streamer.hint,
    )
    clock = Maintenance(settings, instance, runner, wakeup, clients, contact, streamer)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with contextlib.suppress(Unavailable):
        await asyncio.to_thread(maintenance.prepare_history)
    listening = [
        asyncio.create_task(wakeup.listen(), name="listen"),
        asyncio.create_task(wakeup.listen_to_redis(), name="redis"),
    ]
    await wakeup.wait_until_known(_KNOWN_SECONDS)  # a job that is claimed without the lock would be missed late
    working = asyncio.create_task(runner.run(), name="run")
    streaming = asyncio.create_task(streamer.run(), name="streams")
    await asyncio.to_thread(clock.start)
    log.info("worker ready", extra={"instance": instance})
    await _until_stopped(stopping, working)
    streamer.drain()
    await _drain(settings, runner, clock, working, streaming)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    await clients.aclose()
    if host is not None:
        await host.aclose()


async def _drain(
    settings: Settings,
    runner: Runner,
    clock: Maintenance,
    working: asyncio.Task[None],
    streaming: asyncio.Task[None],
) -> None:
    log.info("draining", extra={"running": runner.running_count})
    runner.drain()
    await asyncio.to_thread(clock.announce, "draining")
    try:
        await asyncio.wait_for(asyncio.shield(working), settings.drain_seconds)
    except TimeoutError:
        log.warning("handing back what is still running", extra={"running": runner.running_count})
        await runner.hand_back()
        await working
    await streaming
    await asyncio.to_thread(clock.stop, "stopped")
    log.info("worker stopped")


async def _until_stopped(stopping: asyncio.Event, working: asyncio.Task[None]) -> None:
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({told, working}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if working.done():
        working.result()  # a runner that ends without being told has failed, and says how


def _check(settings: Settings) -> None:
    if settings.simulated and settings.cursor_api_url == CURSOR_API:
        raise SettingsError(
            "CURSOR_API_KEY: is not set; give a key of Cursor's dashboard, or point CURSOR_API_URL at the simulator, "
            "example: CURSOR_API_URL=http://127.0.0.1:3900"
        )


if __name__ == "__main__":
    sys.exit(main())
