"""Branches that cannot be merged, from the plan to the end: the simulator plays the agents."""

from __future__ import annotations

import httpx

from cursor_monitor.cursor.client import build_client
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.simulator.app import build_app
from cursor_monitor.simulator.clock import ManualClock
from cursor_monitor.simulator.config import SimConfig
from tests.integration.services.test_crashes import status_of
from tests.support.pump import Pump, skip

TASKS = [
    {"key": "a", "prompt": "Rename it."},
    {"key": "b", "prompt": "Call it."},
    {"key": "c", "prompt": "Use both.", "depends_on": ["a", "b"]},
]


async def test_a_conflict_is_named_and_nothing_is_built_on_it(database: str) -> None:
    clock = ManualClock()
    transport = httpx.ASGITransport(build_app(SimConfig(seed="7"), clock))
    client = build_client("http://simulator.test", "crsr_test", transport=transport)
    pump = Pump(client)
    fields = {"prompt": "Build it. [[sim:conflict]]", "repository": "acme/web", "mode": "AUTO", "tasks": TASKS}
    made = orchestrations.launch(fields, by="ada")
    for _ in range(30):
        await pump.run_due()
        if status_of(made) == "partial":
            break
        clock.advance(30)
        skip(60)
    await client.aclose()
    found = {task.key: task for task in queries.list_tasks(made)}
    assert {key: task.status for key, task in found.items()} == {
        "a": "completed",
        "b": "completed",
        "merge-c": "failed",
        "c": "skipped",
    }
    assert "CONFLICT: both branches change src/app.py" in (found["merge-c"].error_message or "")
    assert (found["merge-c"].attempts, found["merge-c"].iterations) == (1, 0), "a conflict is not asked about again"
