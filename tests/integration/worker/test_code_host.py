"""A worker with a code host: what becomes of an agent's checks reaches the orchestration."""

from __future__ import annotations

from typing import LiteralString

from cursor_monitor.queries.orchestrations import list_tasks
from cursor_monitor.services import orchestrations
from tests.support.postgres import ask
from tests.support.processes import Simulator, Workers
from tests.support.replay import assert_replay
from tests.support.waiting import eventually

SEEN: LiteralString = (
    "SELECT payload -> 'facts' ->> 'checks', payload -> 'facts' -> 'failed_checks' FROM orchestration_events"
    " WHERE type = 'CodeHostObserved' AND task_key = 'a' ORDER BY seq"
)


def test_checks_go_from_pending_to_failed_and_the_orchestration_hears_of_it(
    database: str, simulator: Simulator, workers: Workers
) -> None:
    # In the simulator's short time checks would be over before the first look.
    under_way = {"total_count": 1, "check_runs": [{"name": "test", "status": "in_progress", "conclusion": None}]}
    simulator.fault("status", status=200, body=under_way, path="check-runs$", count=1)
    workers.start(GITHUB_API_URL=f"{simulator.url}/github", GITHUB_POLL_SECONDS="0.1")
    tasks = [
        {"key": "a", "title": "a", "prompt": "Do a. [[sim:red-ci:9]]"},
        {"key": "b", "title": "b", "prompt": "Do b. [[sim:never]]"},
    ]
    body = {"prompt": "Do both.", "repository": "acme/web", "mode": "BATCH", "tasks": tasks}
    made = orchestrations.launch(body, by="test")
    eventually(lambda: ("failed", ["test"]) in ask(database, SEEN))
    assert [word for word, _ in ask(database, SEEN)][:2] == ["pending", "failed"]
    # A follow-up that mends the work brings a new head, whose checks are under way for a moment.
    eventually(lambda: {task.key: task.checks for task in list_tasks(made)} == {"a": "failed", "b": None})
    (state,) = ask(database, "SELECT pr_state, pr_url FROM code_host_states WHERE checks_total > 0")
    assert state[0] == "open"
    assert state[1].startswith("https://github.com/acme/web/pull/")
    eventually(lambda: simulator.ledger()["requests"].get("304 /github", 0) > 0)
    assert_replay(made)
