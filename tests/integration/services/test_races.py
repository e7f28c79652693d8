"""Two workers at one agent: who waited for a lock goes by what is true then, not by what it read before."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import Session

from cursor_monitor.domain.jobs import JobKind, observe_job
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations, reconcile
from cursor_monitor.services.effects import Located, locate
from cursor_monitor.store import agents, jobs, tables
from cursor_monitor.store.database import transaction
from tests.fakes.cursor import MORE, FakeCursor
from tests.support.pump import Pump, skip

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}


async def test_a_late_look_at_an_earlier_run_does_not_hide_the_newer_one(
    pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor.answers.extend([MORE])
    made = orchestrations.launch(LAUNCH, by="test")
    for kind in (JobKind.ADVANCE, JobKind.LAUNCH_AGENT, JobKind.OBSERVE_AGENT):
        skip(60)
        await pump.run_due(kind)
    (agent,) = cursor.agents.values()
    (late,) = agent.runs

    def waits_for_the_lock(session: Session, row: tables.Agent | None) -> Located | None:
        monkeypatch.setattr(reconcile, "locate", locate)
        asyncio.run(pump.run_due(JobKind.SEND_FOLLOWUP))
        return locate(session, row)

    monkeypatch.setattr(reconcile, "locate", waits_for_the_lock)
    with transaction() as session:
        jobs.enqueue(session, [observe_job(agent.spec.agent_id, made)])
    await pump.run_due(JobKind.OBSERVE_AGENT)
    assert len(agent.runs) == 2
    with transaction() as session:
        row = agents.find(session, agent.spec.agent_id)
        assert row is not None
        assert row.latest_run_id == agent.runs[1].id != late.id
    await pump.run_until(lambda: queries.get_orchestration(made).status == "completed")


async def test_a_row_that_is_locked_is_read_anew(pump: Pump, cursor: FakeCursor) -> None:
    orchestrations.launch(LAUNCH, by="test")
    await pump.run_until(lambda: bool(cursor.agents))
    (agent_id,) = cursor.agents
    with transaction() as session:
        before = agents.find(session, agent_id)
        assert before is not None
        with transaction() as other:
            agents.update(other, agent_id, cost_cents=12.5)
        after = agents.find(session, agent_id, lock=True)
        assert after is not None
        assert after.cost_cents == 12.5
