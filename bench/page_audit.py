"""Lighthouse over the product: fetched from the npm registry for the audit, run by the browser that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices")
SECONDS = 240
FLAGS = "--headless=new --no-sandbox --disable-gpu"


def audit(url: str, paths: Sequence[str], chromium: str) -> dict[str, dict[str, float]]:
    """The scores of each page by category, from 0 to 100, with the milliseconds of its largest paint."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-audit-") as folder:
        environ = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "CHROME_PATH": chromium}
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", LIGHTHOUSE], folder, environ)
        return {path: _scores(url + path, folder, environ) for path in paths}


def _scores(url: str, folder: str, environ: Mapping[str, str]) -> dict[str, float]:
    command = ["node_modules/.bin/lighthouse", url, "--quiet", "--output=json", "--preset=desktop"]
    categories = f"--only-categories={','.join(CATEGORIES)}"
    report: dict[str, Any] = json.loads(_run([*command, categories, f"--chrome-flags={FLAGS}"], folder, environ))
    scores = {name: 100 * float(report["categories"][name]["score"]) for name in CATEGORIES}
    return scores | {"largest paint ms": float(report["audits"]["largest-contentful-paint"]["numericValue"])}


def _run(command: Sequence[str], folder: str, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()[-600:]}")
    return done.stdout
