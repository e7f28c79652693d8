"""Create `.venv` and install what a lock file lists, once: `python scripts/install.py requirements.lock`.

Runs under the Python of the machine, so it uses the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMMAND = VENV / "bin" / "cursor-monitor"
LAUNCHER = f'''#!/bin/sh
PYTHONPATH="{ROOT}${{PYTHONPATH:+:$PYTHONPATH}}" exec "{PYTHON}" -m cursor_monitor.cli "$@"
'''
PATIENCE_SECONDS = 10.0
# The first of the steps of `make run`.
TITLE = f"{'[1/5] ' if 'CURSOR_MONITOR_STARTED' in os.environ else ''}Installing Python packages"


def main() -> int:
    """Install the lock named on the command line; 0 where it is installed in the end."""
    lock = ROOT / sys.argv[1]
    stamp = VENV / f".installed-{lock.name}"
    wanted = fingerprint(lock)
    if runs() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        say(f"{TITLE}: already done")
        return 0
    began = time.monotonic()
    say(f"{TITLE} (about 40 s, first time only)…")
    if not runs("-m", "pip", "--version") and not create():
        return 1
    stamp.unlink(missing_ok=True)
    if not install(lock, began):
        return 1
    COMMAND.write_text(LAUNCHER, encoding="utf-8")
    COMMAND.chmod(0o755)
    stamp.write_text(wanted, encoding="ascii")
    say(f"{TITLE}: done in {time.monotonic() - began:.1f} s")
    return 0


def fingerprint(lock: Path) -> str:
    """A digest of the lock, and of the Python and the folder it was installed for."""
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256(f"{version}\n{LAUNCHER}\n".encode() + lock.read_bytes()).hexdigest()


def runs(*arguments: str) -> bool:
    """True where `.venv` has a Python that runs, and was not moved here (its commands name their folder)."""
    if COMMAND.exists() and COMMAND.read_text(encoding="utf-8") != LAUNCHER:
        return False
    command = [PYTHON, *(arguments or ("-c", ""))]
    return PYTHON.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def create() -> bool:
    """Make `.venv` anew; False, and a line that says what is missing, where Python cannot."""
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        say(made.stdout.strip() + made.stderr.strip())
        say(f"{sys.executable} cannot create .venv; on Debian and Ubuntu: apt-get install python3-venv")
    return made.returncode == 0


def install(lock: Path, began: float) -> bool:
    """Let pip install the lock, and say now and then how far it is."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-input", "-r", lock]
    environ = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT
    )
    lines: list[str] = []
    reader = threading.Thread(target=collect, args=(process, lines), daemon=True)
    reader.start()
    while reader.is_alive():
        reader.join(PATIENCE_SECONDS)
        if reader.is_alive():
            say(f"{TITLE}: {time.monotonic() - began:.0f} s so far, {where(lines)}…")
    if process.wait() != 0:
        say("\n".join(line.rstrip() for line in lines[-30:]))
        say("the Python packages could not be installed; the lines above say why")
    return process.returncode == 0


def collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    """Read what pip says, to its end."""
    if process.stdout is not None:
        lines.extend(process.stdout)


def where(lines: list[str]) -> str:
    """How far pip is."""
    if any(line.startswith("Installing collected") for line in lines):
        return "unpacking"
    return f"{sum(line.startswith('Collecting') for line in lines)} packages found"


def say(line: str) -> None:
    """Write one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
