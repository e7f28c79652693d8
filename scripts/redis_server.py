"""Find a Redis server for the tests that need one, installing one where there is none; print its path.

In this order: REDIS_SERVER_PATH, one on PATH, the distribution's package (as root).
"""

from __future__ import annotations

import os
import shutil
import sys

from pgbouncer import installed  # beside this file, as both are run as scripts


def main() -> int:
    """Print the path, or say what was tried and return 1."""
    path = os.environ.get("REDIS_SERVER_PATH") or shutil.which("redis-server")
    path = path or installed("redis-server", lambda: shutil.which("redis-server"))
    if path is None:
        sys.stderr.write("no Redis server found and none could be installed; name one in REDIS_SERVER_PATH\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
