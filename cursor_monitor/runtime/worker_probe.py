"""`python -m cursor_monitor.runtime.worker_probe`: exit code 0 where the worker of this machine is alive."""

from __future__ import annotations

import socket
import sys

from cursor_monitor.domain.errors import AppError
from cursor_monitor.settings import Settings, SettingsError, load_settings
from cursor_monitor.store import heartbeats
from cursor_monitor.store.database import close_database, open_database, reading

MISSED_BEATS = 4.0


def main() -> int:
    """Look for a fresh heartbeat of a worker on this machine; says what is wrong on stderr."""
    try:
        problem = find_problem(load_settings())
    except (AppError, SettingsError) as error:
        problem = str(error)
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 0 if problem is None else 1


def find_problem(settings: Settings) -> str | None:
    """Why the worker does not count as alive; None where it does. Raises Unavailable without a database."""
    if settings.database_url is None:
        return "DATABASE_URL is not set"
    open_database(settings.database_url, pool_size=1)
    try:
        with reading() as session:
            beats = heartbeats.select_newest_per_worker(session)
    finally:
        close_database()
    mine = [beat for beat in beats if beat.instance.startswith(f"{socket.gethostname()}-") and beat.kind != "stopped"]
    if not mine:
        return "no worker of this machine has a heartbeat"
    age = min(beat.age_seconds for beat in mine)
    return f"the last heartbeat is {age:.0f} s old" if age > MISSED_BEATS * settings.heartbeat_seconds else None


if __name__ == "__main__":
    sys.exit(main())
