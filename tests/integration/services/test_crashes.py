"""A worker that dies at any point of an effect: the next one ends it, and Cursor saw it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as agent_queries
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import agents, attempts, orchestrations
from cursor_monitor.store import database as db
from tests.fakes.cursor import MORE, FakeCursor, FakeRun
from tests.support.pump import Pump, lose_leases, skip

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
EFFECTS = (JobKind.LAUNCH_AGENT, JobKind.SEND_FOLLOWUP, JobKind.OBSERVE_AGENT, JobKind.ADVANCE)
MOST_POINTS = 16


class Crashed(BaseException):
    """The process died here; no handler of errors may see it."""


class Crashes:
    """Dies at the n-th point: before or after a commit, before or after a call to Cursor."""

    def __init__(self, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.points = 0
        self.fatal: int | None = None
        self._transaction = db.transaction
        cursor.on_call = lambda name, moment: self._point()
        monkeypatch.setattr(db, "transaction", self._watched)

    def arm(self, point: int) -> None:
        """Die at that point, counted from now."""
        self.points, self.fatal = 0, point

    def disarm(self) -> None:
        """Live from now on."""
        self.fatal = None

    @contextmanager
    def _watched(self) -> Iterator[Session]:
        with self._transaction() as session:
            yield session
            self._point()
        self._point()

    def _point(self) -> None:
        self.points += 1
        if self.points == self.fatal:
            raise Crashed


@pytest.fixture
def crashes(cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch) -> Crashes:
    return Crashes(cursor, monkeypatch)


async def die_in(pump: Pump, crashes: Crashes, kind: JobKind, point: int) -> bool:
    """Do the next job of that kind and die in it; False where it ended before that point."""
    job = pump.claim(kind)
    assert job is not None
    crashes.arm(point)
    try:
        await pump.handlers[job.kind].run(job)
    except Crashed:
        return True
    finally:
        crashes.disarm()
    return False


def status_of(orchestration_id: str) -> str:
    return queries.get_orchestration(orchestration_id).status


async def until_the_next(pump: Pump, kind: JobKind) -> None:
    """Do everything before the next job of that kind, and make that one due."""
    for _ in range(20):
        skip(60)
        for other in EFFECTS:
            if other is not kind:
                await pump.run_due(other)
        if pump_has(kind):
            return
    raise AssertionError(f"no {kind} came")


def pump_has(kind: JobKind) -> bool:
    with db.reading() as session:
        query = "SELECT 1 FROM orchestration_outbox_jobs WHERE status = 'pending' AND kind = %s"
        return session.connection().exec_driver_sql(query, (str(kind),)).scalar() is not None


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("point", range(1, MOST_POINTS + 1))
async def test_a_crash_anywhere_costs_nothing_twice(
    pump: Pump, cursor: FakeCursor, crashes: Crashes, kind: JobKind, point: int
) -> None:
    cursor.answers.extend([MORE])
    made = orchestrations.launch(LAUNCH, by="test")
    await until_the_next(pump, kind)
    skip(60)
    died = await die_in(pump, crashes, kind, point)
    lose_leases()
    await pump.run_until(lambda: status_of(made) == "completed")
    (agent,) = cursor.agents.values()
    assert [run.prompt for run in agent.runs] == [agent.spec.prompt, agent.runs[1].prompt]
    assert cursor.calls.count("create_run") <= 2
    (task,) = queries.list_tasks(made)
    assert (task.attempts, task.iterations, task.agent_id) == (1, 1, agent.spec.agent_id)
    types = [event.type for event in queries.list_events(made).items]
    once = ("AttemptRequested", "AttemptLaunched", "FollowUpRequested", "FollowUpSent", "TaskCompleted")
    assert {name: types.count(name) for name in once} == dict.fromkeys(once, 1)
    assert died or point > (2 if kind is JobKind.ADVANCE else 3), "deciding is one transaction: inside it or after it"


@pytest.mark.parametrize("point", range(1, MOST_POINTS + 1))
async def test_nor_does_it_for_an_agent_of_its_own(
    pump: Pump, cursor: FakeCursor, crashes: Crashes, point: int
) -> None:
    agent_id = agents.launch({"prompt": "Mend it.", "repository": "acme/web"}, by="test")
    await die_in(pump, crashes, JobKind.LAUNCH_AGENT, point)
    lose_leases()
    await pump.run_until(lambda: agent_queries.get_agent(agent_id).agent.state == "finished")
    followup_id = agents.followup(agent_id, "And test it.", by="test")
    await die_in(pump, crashes, JobKind.SEND_FOLLOWUP, point)
    lose_leases()

    def is_over() -> bool:
        (followup,) = agent_queries.get_agent(agent_id).followups
        return followup.status == "sent" and agent_queries.get_agent(agent_id).agent.state == "finished"

    await pump.run_until(is_over)
    assert agent_queries.get_agent(agent_id).followups[0].id == followup_id
    assert [run.prompt for run in cursor.agents[agent_id].runs] == ["Mend it.", "And test it."]


async def test_an_agent_whose_launch_could_not_be_written_down_is_found_by_a_cancellation(
    pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor.answers.append(None)
    made = orchestrations.launch(LAUNCH, by="test")
    await pump.run_due(JobKind.ADVANCE)

    def out(*args: object) -> None:
        raise Unavailable("The database cannot be reached.", code="database_unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "_record_launched", out)
        assert await pump.run_due(JobKind.LAUNCH_AGENT) == 1  # which counts as no attempt
    orchestrations.cancel(made, by="test")
    skip(60)
    await pump.run_until(lambda: status_of(made) == "stopped")
    (agent_id,) = cursor.agents
    types = [event.type for event in queries.list_events(made).items]
    assert "AttemptLaunched" in types
    assert cursor.agents[agent_id].runs[-1].status == "CANCELLED"


async def test_a_persons_follow_up_after_the_end_of_the_orchestration_is_sent(pump: Pump, cursor: FakeCursor) -> None:
    made = orchestrations.launch(LAUNCH, by="test")
    await pump.run_until(lambda: status_of(made) == "completed")
    (agent_id,) = cursor.agents
    agents.followup(agent_id, "And a word on upgrading.", by="test")
    await pump.run_until(lambda: agent_queries.get_agent(agent_id).followups[-1].status == "sent")
    assert [run.prompt for run in cursor.agents[agent_id].runs][1:] == ["And a word on upgrading."]
    assert status_of(made) == "completed"


async def test_a_follow_up_that_arrives_after_its_sender_died_is_not_sent_again(
    pump: Pump, cursor: FakeCursor, crashes: Crashes
) -> None:
    cursor.answers.extend([MORE, None])
    made = orchestrations.launch(LAUNCH, by="test")
    await until_the_next(pump, JobKind.SEND_FOLLOWUP)
    (agent,) = cursor.agents.values()
    sent: list[str] = []

    def arrives_late(name: str, moment: str) -> None:
        if (name, moment) == ("create_run", "before"):
            if not sent:
                sent.append("by the first, whose request is under way when it dies")
                raise Crashed
            if len(agent.runs) == 1:
                agent.runs.append(FakeRun("run-late", asked_of(made), None))

    cursor.on_call = arrives_late
    with pytest.raises(Crashed):
        await pump.run_due(JobKind.SEND_FOLLOWUP)
    lose_leases()
    skip(60)
    await pump.run_due(JobKind.SEND_FOLLOWUP)
    cursor.end_run(agent.spec.agent_id)
    await pump.run_until(lambda: status_of(made) == "completed")
    assert [run.id for run in agent.runs[1:]] == ["run-late"]


def asked_of(orchestration_id: str) -> str:
    (task,) = queries.list_tasks(orchestration_id)
    with db.reading() as session:
        query = "SELECT prompt FROM agent_followups WHERE agent_id = %s"
        return session.connection().exec_driver_sql(query, (task.agent_id,)).scalar_one()
