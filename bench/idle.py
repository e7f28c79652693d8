"""What the product takes while nothing happens."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from bench import stack
from bench.figures import Figure

TITLE = "At rest"
HOW = """\
The whole product runs with an empty database, and one page was served. After a pause that lets the start settle, the
processor time of the worker's process tree is read twice, a minute apart. Memory is the resident set (RSS), summed over
the process tree, so that shared pages count more than once: the strict reading. The proportional set (PSS) stands
beside it."""

SETTLE_SECONDS = 20.0
WINDOW_SECONDS = 60.0
MEGABYTE = 1024 * 1024


def measure() -> list[Figure]:
    """Processor time and memory of the worker and the app at rest."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder, stack.running(Path(folder)) as product:
        time.sleep(SETTLE_SECONDS)
        worker, app = product.part("worker"), product.part("granian")
        share, seconds = _shares([worker, app])
        return [
            Figure("worker_idle_cpu", share[0], "% of a core", 1.0, details={"seconds": round(seconds, 1)}),
            _memory("worker_memory", worker, 120.0),
            _memory("app_memory", app, 350.0, app_idle_cpu_percent=round(share[1], 2)),
        ]


def _shares(tops: list[psutil.Process]) -> tuple[list[float], float]:
    """Percent of a core that each process tree took over the window, and how long that was."""
    before, began = [processor_seconds(top) for top in tops], time.monotonic()
    time.sleep(WINDOW_SECONDS)
    seconds = time.monotonic() - began
    return [100 * (processor_seconds(top) - used) / seconds for top, used in zip(tops, before, strict=True)], seconds


def resident_bytes(top: psutil.Process) -> int:
    """The resident set of a process tree, summed."""
    return sum(process.memory_info().rss for process in _family(top))


def _memory(name: str, top: psutil.Process, limit: float, **details: float) -> Figure:
    used = [process.memory_full_info() for process in _family(top)]
    pss = sum(info.pss for info in used) / MEGABYTE
    facts = {"pss_mb": round(pss, 1), "processes": len(used), **details}
    return Figure(name, sum(info.rss for info in used) / MEGABYTE, "MB", limit, details=facts)


def processor_seconds(top: psutil.Process) -> float:
    """What a process tree has taken of the processor so far."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in _family(top)))


def _family(top: psutil.Process) -> list[psutil.Process]:
    return [top, *top.children(recursive=True)]
