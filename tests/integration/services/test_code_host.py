"""Looks at the code host: what they write, what the engine learns of them, and when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cursor_monitor.codehost.api import Head
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain.code_host import Target
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.services import agents, orchestrations, profiles
from cursor_monitor.services.code_host_watch import ensure_looks
from cursor_monitor.services.tuning import current, tune
from tests.fakes.code_host import FakeCodeHost, a_look
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, skip

EVENTS = "SELECT payload -> 'facts' ->> 'checks' FROM orchestration_events WHERE type = 'CodeHostObserved' ORDER BY seq"
STATE = "SELECT pr_state, checks_summary, files_total, error_kind FROM code_host_states"
WAITS = "SELECT extract(epoch FROM next_run_at - now()) FROM orchestration_outbox_jobs WHERE status = 'pending'"
PENDING = f"{WAITS} AND kind = 'observe_code_host'"


@pytest.fixture
def host() -> FakeCodeHost:
    """The code host, in memory."""
    return FakeCodeHost()


@pytest.fixture
def pump(database: str, cursor: FakeCursor, host: FakeCodeHost) -> Iterator[Pump]:
    """Does the jobs with both."""
    usual = current()
    tune(replace(usual, code_host_web="github.com", code_host_account="test", code_host_seconds=15.0))
    yield Pump(cursor, host)
    tune(usual)


@pytest.fixture
async def pushed(pump: Pump, cursor: FakeCursor) -> str:
    """An agent of an orchestration that goes on, its work pushed and not looked at yet."""
    cursor.answers.extend([cursor.answer, None])
    tasks = [{"key": key, "title": key, "prompt": f"Do {key}."} for key in ("a", "b")]
    body = {"prompt": "Do both.", "repository": "acme/web", "mode": "BATCH", "tasks": tasks}
    orchestrations.launch(body, by="test")
    for _ in range(20):
        skip(60)
        for kind in (JobKind.ADVANCE, JobKind.LAUNCH_AGENT, JobKind.OBSERVE_AGENT):
            await pump.run_due(kind)
        done = [agent_id for agent_id, agent in cursor.agents.items() if agent.runs[-1].status == "FINISHED"]
        if len(cursor.agents) == 2 and done:
            return done[0]
    raise AssertionError("nothing was pushed")


async def look(pump: Pump) -> int:
    skip(100_000)
    return await pump.run_due(JobKind.OBSERVE_CODE_HOST)


async def test_the_engine_learns_what_is_new_and_nothing_twice(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str
) -> None:
    host.answers.clear()
    host.answers.extend(
        [a_look("pending"), a_look("pending"), a_look("success", "failure"), a_look("success", "failure")]
    )
    for _ in range(4):
        assert await look(pump) == 1
    assert [word for (word,) in ask(database, EVENTS)] == ["pending", "failed"]
    assert ask(database, STATE) == [("open", "failed", 1, None)]
    assert host.targets[0] == Target("acme/web", f"cursor/{pushed[3:9]}", None, None)
    assert host.memories[0] == {}
    assert host.memories[1] == a_look().memory
    assert ask(database, "SELECT requests, remaining FROM code_host_limits") == [(20, 4000)]


async def test_a_merged_pull_request_is_not_looked_at_again(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str
) -> None:
    host.answers[0] = a_look("success", state="merged")
    assert await look(pump) == 1
    assert await look(pump) == 0
    assert ask(database, PENDING) == []
    assert ensure_looks() == 0
    agents.followup(pushed, "One more thing.", by="test")
    for kind in (JobKind.SEND_FOLLOWUP, JobKind.OBSERVE_AGENT):
        skip(60)
        await pump.run_due(kind)
    assert await look(pump) == 1, "a run that ended may have pushed more"


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (CodeHostError("limited", "slow down", retry_after=90), (89, 96)),
        (CodeHostError("token", "Bad credentials"), (299, 306)),
    ],
)
async def test_a_refusal_keeps_everyone_away_for_a_while(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str, error: CodeHostError, waits: tuple[int, int]
) -> None:
    host.answers[0] = error
    assert await look(pump) == 1
    assert waits[0] < ask_one(database, PENDING) < waits[1]
    assert await look(pump) == 1
    assert len(host.targets) == 1, "the second look must not have gone out"
    assert ask_one(database, "SELECT error_message FROM code_host_limits") == error.message
    ask(database, "UPDATE code_host_limits SET blocked_until = now()")
    host.answers[0] = a_look("success")
    assert await look(pump) == 1
    assert ask(database, STATE) == [("open", "passed", 1, None)]


async def test_what_may_not_be_seen_is_told_as_unknown_once(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str
) -> None:
    host.answers[0] = CodeHostError("access", "Not Found", status=404)
    for _ in range(3):
        assert await look(pump) == 1
    assert [word for (word,) in ask(database, EVENTS)] == ["unknown"]
    assert ask(database, STATE) == [(None, "unknown", None, "access")]


async def test_a_bad_moment_changes_nothing_but_what_is_said_of_it(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str
) -> None:
    assert await look(pump) == 1
    host.answers[0] = CodeHostError("unavailable", "ReadTimeout")
    assert await look(pump) == 1
    assert ask(database, STATE) == [("open", "passed", 1, "unavailable")]
    assert [word for (word,) in ask(database, EVENTS)] == ["passed"]
    assert ask_one(database, PENDING) > 0


async def test_work_that_nobody_asked_about_is_found(
    database: str, pump: Pump, host: FakeCodeHost, pushed: str
) -> None:
    ask(database, "DELETE FROM orchestration_outbox_jobs WHERE kind = 'observe_code_host'")
    assert ensure_looks() == 1
    assert await look(pump) == 1
    assert len(host.targets) == 1
    assert ensure_looks() == 0
    ask(database, "UPDATE agents SET repository = 'https://gitlab.com/acme/web'")
    ask(database, "DELETE FROM code_host_states")
    assert ensure_looks() == 0


OUT = CodeHostError("unavailable", "the connection was cut")


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([Head("acme/web", "main")], "Not launched: work_on_current_branch: 'main' is protected by the profile"),
        ([Head("acme/web", "fix/parser")], None),
        ([Head("stranger/web", "main")], None),
        ([OUT, OUT, Head("acme/web", "release/2")], "'release/2' is protected"),
        ([CodeHostError("access", "no such pull request", status=404)], "cannot be read: no such pull request"),
    ],
)
async def test_nobody_pushes_to_a_protected_branch_by_way_of_a_pull_request(
    database: str,
    pump: Pump,
    cursor: FakeCursor,
    host: FakeCodeHost,
    heads: list[Head | CodeHostError],
    said: str | None,
) -> None:
    host.heads.extend(heads)
    profiles.create({"pattern": "acme/web", "protected_branches": ["main", "release/*"]}, by="ada")
    pull = {"prompt": "Mend it.", "pr_url": "https://github.com/acme/web/pull/5", "work_on_current_branch": True}
    agents.launch(pull, by="ada")
    for _ in heads:
        await pump.run_due(JobKind.LAUNCH_AGENT)
        skip(60)
    ((status, message),) = ask(database, "SELECT launch_status, error_message FROM agents")
    assert (status, len(cursor.agents)) == (("launched", 1) if said is None else ("failed", 0))
    assert said is None or said in message
