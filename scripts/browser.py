"""Find a Chromium for the browser tests, installing one where there is none; print its path.

In this order: CHROMIUM_PATH, a browser on PATH, Playwright's own (fetched where the network allows),
the distribution's package (as root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FETCH_SECONDS = 300


def main() -> int:
    """Print the path of a browser that starts, or say what was tried and return 1."""
    path = find()
    if path is not None:
        sys.stdout.write(f"{path}\n")
        return 0
    sys.stderr.write("no Chromium found and none could be installed: put one on PATH, or name it in CHROMIUM_PATH\n")
    return 1


def find() -> str | None:
    """The path of a browser that starts."""
    finders: tuple[Callable[[], str | None], ...] = (chosen, on_path, of_playwright, fetched, packaged)
    return next((path for one in finders if (path := one()) is not None and starts(path)), None)


def chosen() -> str | None:
    """The browser named in the environment."""
    return os.environ.get("CHROMIUM_PATH") or None


def on_path() -> str | None:
    """A browser of the machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def of_playwright() -> str | None:
    """The browser that Playwright has already fetched."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def fetched() -> str | None:
    """Playwright's browser, fetched now."""
    return of_playwright() if run([sys.executable, "-m", "playwright", "install", "chromium"]) else None


def packaged() -> str | None:
    """The distribution's package, installed now."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    run(["apt-get", "update", "-qq"])
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return on_path()


def starts(path: str) -> bool:
    """True where the browser runs at all (a snap stub or missing libraries do not)."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(command: list[str]) -> bool:
    """Run a command with its output on stderr; stdout is for the path alone."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, stdout=2, check=False, timeout=FETCH_SECONDS, env=environ).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return False


if __name__ == "__main__":
    sys.exit(main())
