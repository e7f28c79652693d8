"""Cursor in memory: agents and runs that a test ends at will, and calls that fail as told."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cursor_monitor.cursor.api import (
    RUN_TERMINAL,
    Account,
    AgentSpec,
    AgentView,
    Artifact,
    ArtifactUrl,
    BranchView,
    CursorApi,
    Image,
    Launched,
    Listing,
    Message,
    Model,
    RunView,
    UsageView,
)
from cursor_monitor.cursor.errors import Permanent, StreamUnavailable
from cursor_monitor.cursor.limits import RateLimits
from cursor_monitor.cursor.stream import Frame

GOOD = (
    'Done.\n\n```json\n{"done": ["it"], "remaining": [], "tests": {"run": 3, "passed": 3, "failed": 0},'
    ' "files": ["a.py"], "confidence": 0.9}\n```'
)
MORE = GOOD.replace('"remaining": []', '"remaining": ["the other half"]')


@dataclass
class FakeRun:
    """One run; `answer` is what it ends with at the next look, None while it goes on."""

    id: str
    prompt: str
    answer: str | None
    status: str = "RUNNING"
    result: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class FakeAgent:
    """One agent, its runs oldest first."""

    spec: AgentSpec
    runs: list[FakeRun]
    status: str = "ACTIVE"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class _Failure:
    error: Exception
    is_after: bool


class FakeCursor(CursorApi):
    """Every new run ends with the next of `answers`, else with `answer`; None lets it go on."""

    def __init__(self, answer: str | None = GOOD) -> None:
        self.agents: dict[str, FakeAgent] = {}
        self.answer = answer
        self.answers: deque[str | None] = deque()
        self.calls: list[str] = []
        self.cents_per_run: float | None = None  # None: it does not tell
        self.on_call: Callable[[str, str], None] = lambda name, moment: None
        self._failures: dict[str, deque[_Failure]] = defaultdict(deque)
        self._numbers = itertools.count(1)

    def fail(self, call: str, error: Exception, *, after: bool = False, times: int = 1) -> None:
        """Let the next calls of that name fail, with `after` only once they had their effect."""
        self._failures[call].extend(_Failure(error, after) for _ in range(times))

    def end_run(self, agent_id: str, status: str = "FINISHED", result: str | None = GOOD) -> None:
        """End the newest run."""
        run = self.agents[agent_id].runs[-1]
        run.status, run.result, run.answer = status, result if status == "FINISHED" else None, None

    def delete(self, agent_id: str) -> None:
        """A person deletes the agent at Cursor."""
        del self.agents[agent_id]

    @property
    def limits(self) -> RateLimits | None:
        return None

    async def create_agent(self, spec: AgentSpec) -> Launched:
        with self._asked("create_agent"):
            if spec.agent_id in self.agents:
                raise Permanent("agent_id_conflict", "exists", status=409)
            agent = self.agents[spec.agent_id] = FakeAgent(spec, [self._new_run(spec.prompt)])
        return Launched(_agent_view(agent), _run_view(agent, agent.runs[0]))

    async def get_agent(self, agent_id: str) -> AgentView:
        with self._asked("get_agent"):
            return _agent_view(self._agent(agent_id))

    async def list_agents(
        self, limit: int = 100, cursor: str | None = None, include_archived: bool = True
    ) -> Listing[AgentView]:
        with self._asked("list_agents"):
            begin = int(cursor or 0)
            views = [_agent_view(agent) for agent in reversed(self.agents.values())]
            more = len(views) > begin + limit
            return Listing(tuple(views[begin : begin + limit]), str(begin + limit) if more else None)

    async def delete_agent(self, agent_id: str) -> None:
        with self._asked("delete_agent"):
            self._agent(agent_id)
            self.delete(agent_id)

    async def archive_agent(self, agent_id: str) -> None:
        with self._asked("archive_agent"):
            self._agent(agent_id).status = "ARCHIVED"

    async def unarchive_agent(self, agent_id: str) -> None:
        with self._asked("unarchive_agent"):
            self._agent(agent_id).status = "ACTIVE"

    async def create_run(
        self,
        agent_id: str,
        prompt: str,
        *,
        mode: str | None = None,
        model: str | None = None,
        model_params: tuple[tuple[str, str], ...] = (),
        images: tuple[Image, ...] = (),
    ) -> RunView:
        with self._asked("create_run"):
            agent = self._agent(agent_id)
            if agent.runs[-1].status not in RUN_TERMINAL:
                raise Permanent("agent_busy", "a run is under way", status=409)
            agent.runs.append(self._new_run(prompt))
        return _run_view(agent, agent.runs[-1])

    async def list_runs(self, agent_id: str, limit: int = 20, cursor: str | None = None) -> Listing[RunView]:
        with self._asked("list_runs"):
            agent = self._agent(agent_id)
            return Listing(tuple(_run_view(agent, run) for run in agent.runs[::-1][:limit]), None)

    async def get_run(self, agent_id: str, run_id: str) -> RunView:
        with self._asked("get_run"):
            agent = self._agent(agent_id)
            run = self._run(agent, run_id)
            if run.answer is not None:
                run.status, run.result, run.answer = "FINISHED", run.answer, None
            return _run_view(agent, run)

    async def cancel_run(self, agent_id: str, run_id: str) -> None:
        with self._asked("cancel_run"):
            run = self._run(self._agent(agent_id), run_id)
            if run.status in RUN_TERMINAL:
                raise Permanent("run_not_cancellable", "it has ended", status=409)
            run.status, run.answer = "CANCELLED", None

    async def get_usage(self, agent_id: str, run_id: str | None = None) -> UsageView:
        with self._asked("get_usage"):
            cents = self.cents_per_run
            spent = None if cents is None else cents * len(self._agent(agent_id).runs)
            return UsageView(None, None, None, None, None, spent, ())

    async def list_artifacts(self, agent_id: str) -> tuple[Artifact, ...]:
        with self._asked("list_artifacts"):
            return ()

    async def artifact_url(self, agent_id: str, path: str) -> ArtifactUrl:
        with self._asked("artifact_url"):
            raise Permanent("artifact_not_found", path, status=404)

    async def get_me(self) -> Account:
        with self._asked("get_me"):
            return Account("test", None, None, None, None, None)

    async def list_models(self) -> tuple[Model, ...]:
        with self._asked("list_models"):
            return (Model("fast-1", "Fast 1", None, (), (), ()),)

    async def list_repositories(self) -> tuple[str, ...]:
        with self._asked("list_repositories"):
            return ("https://github.com/acme/web",)

    async def get_conversation(self, agent_id: str) -> tuple[Message, ...]:
        with self._asked("get_conversation"):
            return tuple(Message(run.id, "user_message", run.prompt) for run in self._agent(agent_id).runs)

    async def stream_run(
        self, agent_id: str, run_id: str, last_event_id: str | None = None
    ) -> AsyncGenerator[Frame, None]:
        with self._asked("stream_run"):
            raise StreamUnavailable("stream_unavailable")
        yield  # type: ignore[unreachable]

    async def aclose(self) -> None:
        return None

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        self.on_call(name, "before")
        failure = self._failures[name].popleft() if self._failures[name] else None
        if failure is not None and not failure.is_after:
            raise failure.error
        yield
        self.on_call(name, "after")
        if failure is not None:
            raise failure.error

    def _new_run(self, prompt: str) -> FakeRun:
        answer = self.answers.popleft() if self.answers else self.answer
        return FakeRun(f"run-{next(self._numbers)}", prompt, answer)

    def _agent(self, agent_id: str) -> FakeAgent:
        if agent_id not in self.agents:
            raise Permanent("agent_not_found", "no such agent", status=404)
        return self.agents[agent_id]

    def _run(self, agent: FakeAgent, run_id: str) -> FakeRun:
        for run in agent.runs:
            if run.id == run_id:
                return run
        raise Permanent("run_not_found", "no such run", status=404)


def _agent_view(agent: FakeAgent) -> AgentView:
    spec = agent.spec
    return AgentView(
        id=spec.agent_id,
        name=spec.name,
        status="IDLE" if agent.status == "ACTIVE" and agent.runs[-1].status in RUN_TERMINAL else agent.status,
        url=f"https://cursor.com/agents/{spec.agent_id}",
        repository=spec.repository,
        ref=spec.ref,
        latest_run_id=agent.runs[-1].id,
        created_at=agent.created_at,
        updated_at=agent.created_at,
    )


def _run_view(agent: FakeAgent, run: FakeRun) -> RunView:
    is_pushed = any(run.status == "FINISHED" for run in agent.runs)
    branch = BranchView(agent.spec.repository or "", f"cursor/{agent.spec.agent_id[3:9]}", None)
    return RunView(
        id=run.id,
        agent_id=agent.spec.agent_id,
        status=run.status,
        created_at=run.created_at,
        updated_at=run.created_at,
        duration_ms=1000 if run.status in RUN_TERMINAL else None,
        result=run.result,
        branches=(branch,) if is_pushed else (),
    )
