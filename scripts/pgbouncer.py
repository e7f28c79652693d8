"""Find a PgBouncer for the tests of transaction pooling, installing one where there is none; print its path.

In this order: PGBOUNCER_PATH, one on PATH or in /usr/sbin, the distribution's package (as root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

INSTALL_SECONDS = 300
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


def main() -> int:
    """Print the path, or say what was tried and return 1."""
    path = os.environ.get("PGBOUNCER_PATH") or on_path() or installed("pgbouncer", on_path)
    if path is None:
        sys.stderr.write("no PgBouncer found and none could be installed: install it, or name it in PGBOUNCER_PATH\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def on_path() -> str | None:
    """The one of the machine."""
    return shutil.which("pgbouncer", path=_PLACES)


def installed(package: str, find: Callable[[], str | None]) -> str | None:
    """The program of a package of the distribution, installed now."""
    program = shutil.which("apt-get")
    if os.geteuid() != 0 or program is None:
        return None
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            subprocess.run([program, *arguments], stdout=2, check=False, timeout=INSTALL_SECONDS, env=environ)
        except (OSError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"{error}\n")
    return find()


if __name__ == "__main__":
    sys.exit(main())
