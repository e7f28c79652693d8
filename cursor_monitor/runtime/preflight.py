"""What stands in the way of a start, each in one line that says how to mend it."""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from cursor_monitor.runtime.ports import why_not_free


class NotReadyError(RuntimeError):
    """The product cannot start here as it is; the message is one line for a person."""


def check_port(name: str, host: str, port: int) -> None:
    """NotReadyError where the port that the variable `name` chose cannot be listened on."""
    problem = why_not_free(host, port)
    if problem is not None:
        other = port + 1 if port < 65535 else port - 1
        raise NotReadyError(f"port {port} of {host} cannot be used: {problem}. Choose another, as in {name}={other}")


def allow_connections(wanted: int) -> None:
    """Let this process and its children have that many files open, or as many as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def check_data_dir(data_dir: Path) -> None:
    """Create the data folder; NotReadyError where nothing can be written there."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotReadyError(
            f"the data folder {data_dir} cannot be written ({reason}): mend its owner or rights, "
            "or choose another, as in DATA_DIR=/var/lib/cursor-monitor"
        ) from None
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        raise NotReadyError(f"the data folder {data_dir} cannot be used: mend its owner or rights")
