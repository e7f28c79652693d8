"""A short fault run: workers killed and frozen, Postgres crashed, the API false; every invariant holds at the end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaos.run import Plan, driven
from chaos.verdict import judge
from tests.support.postgres import ask

BLOWS = ("api", "kill", "hints", "api", "freeze", "kill", "api", "crash", "outside", "api", "kill", "cut", "hints")
PLAN = Plan("ci", orchestrations=15, workers=2, time_scale=0.05, gap_seconds=0.6, blows=BLOWS)
JOB = "INSERT INTO orchestration_outbox_jobs (kind, status, leased_by, lease_token, leased_until, attempts)"


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_paid_for_twice_and_the_verdict_can_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with driven(PLAN, tmp_path) as drive:
        assert judge(drive) == []
        struck = drive.blows_struck
        assert (struck["kill"], struck["crash"], struck["freeze"]) == (3, 1, 1)
        # Now the opposite: what the verdict is there for is done, and must be told.
        url, http = drive.world.url, drive.world.simulator.http
        drive.world.kill_all()  # nobody mends it meanwhile
        query = (
            "SELECT o.id::text, a.id FROM orchestrations o JOIN agents a ON a.orchestration_id = o.id"
            " WHERE o.status = 'completed' AND a.agent_status = 'IDLE' ORDER BY 2 LIMIT 1"
        )
        ((key, agent_id),) = ask(url, query)
        for path, words in ((f"/v1/agents/{agent_id}/runs", "Again!"), ("/v1/agents", "Twice!")):
            http.post(path, json={"prompt": {"text": words}}, auth=("simulator", "")).raise_for_status()
        ask(url, f"{JOB} VALUES ('launch_agent', 'processing', 'a dead worker', 1, now() - interval '1 h', 1)")
        ask(url, "UPDATE orchestrations SET tasks_completed = 0, status = 'running' WHERE id::text = %s", [key])
        ask(url, "UPDATE spend_days SET agents = agents + 1")
        found = "\n".join(judge(drive))
    for told in (
        f"agent {agent_id}: run .* answers no follow-up; told 'Again!'",
        "is in the ledger and nobody decided it",
        "job .* is processing after 1 tries",
        f"{key}: running .*, it has not ended",
        f"{key}: its events do not rebuild its rows",
        "counted .* agents and",
    ):
        assert re.search(told, found), (told, found)
