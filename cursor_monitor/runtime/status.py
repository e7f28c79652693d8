"""`cursor-monitor status`: the health of the running product, for a terminal."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from cursor_monitor.runtime.product import HEALTH


def fetch_health(url: str) -> dict[str, Any] | None:
    """What the health route says; None where nothing of ours answers."""
    try:
        with urllib.request.urlopen(f"{url}{HEALTH}", timeout=10) as response:  # noqa: S310
            return _health(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return _health(error.read()) if error.code == 503 else None
    except OSError:
        return None


def render_health(health: dict[str, Any], url: str) -> str:
    """One line for the product and one for each of its parts."""
    lines = [f"Cursor Monitor {health.get('version', '')} at {url}: {health.get('status', 'unknown')}"]
    for name, part in health.get("components", {}).items():
        message = part.get("message", "")
        lines.append(f"  {name:<12} {part.get('status', 'unknown'):<9} {message}".rstrip())
    return "\n".join(lines)


def _health(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "status" in found else None
