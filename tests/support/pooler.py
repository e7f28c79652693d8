"""PgBouncer in transaction mode before the embedded server, as Supabase's port 6543 is before its database."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cursor_monitor.runtime.children import dies_with_parent
from tests.support.processes import ROOT, free_port
from tests.support.waiting import eventually

_SETTINGS = """
[databases]
* = host={host} user=postgres pool_size=4
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """One PgBouncer; `url` leads through it to the database that it was given."""

    def __init__(self, direct: str, folder: Path) -> None:
        port = free_port()
        there = conninfo_to_dict(direct)
        host = Path(str(there["host"]))
        settings = folder / "pgbouncer.ini"
        settings.write_text(_SETTINGS.format(host=host, port=port), encoding="utf-8")
        self.url = f"postgresql://postgres@127.0.0.1:{port}/{there['dbname']}"
        # Through stdin, as the folder is closed to whom it runs as.
        with settings.open("rb") as given, (folder / "pgbouncer.log").open("wb") as log:
            self._child = subprocess.Popen(
                [_program(), *_as_somebody(host), "-q", "/dev/stdin"],
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        eventually(self._is_up, 10)

    def end(self) -> None:
        """SIGKILL, and wait for the end."""
        self._child.kill()
        self._child.wait()

    def _is_up(self) -> bool:
        assert self._child.poll() is None, "pgbouncer ended"
        try:
            psycopg.connect(self.url, prepare_threshold=None).close()
        except psycopg.OperationalError:
            return False
        return True


def _program() -> str:
    found = subprocess.run([sys.executable, "scripts/pgbouncer.py"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return found.stdout.decode().strip()


def _as_somebody(host: Path) -> list[str]:
    """PgBouncer refuses to run as root: then it runs as whoever the server runs as."""
    return ["-u", pwd.getpwuid(host.stat().st_uid).pw_name] if os.geteuid() == 0 else []
