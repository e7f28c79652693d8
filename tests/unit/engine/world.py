"""A whole world around `decide`, in memory: Cursor, the worker, the clock and the people, all steered by one seed.

It keeps the contract of the services: facts are folded in under the lock and decided about at once, a control is only
recorded and looked at later, an observation that says nothing new is not written, and the effects that an event asks
for are carried out some time after it, in any order, perhaps twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CHOICE, CODES, STUCK
from cursor_monitor.domain.code_host import CHECKS, PR_STATES, CodeHostFacts
from cursor_monitor.domain.controls import family_of, possible_controls, possible_task_controls
from cursor_monitor.domain.ids import followup_id
from cursor_monitor.domain.loops import LoopKind
from cursor_monitor.domain.orchestration import (
    PLANNER_KEY,
    REVIEW,
    WORK,
    Attempt,
    Report,
    Review,
    Snapshot,
    Task,
    TestCounts,
)
from cursor_monitor.domain.status import OPEN_AGAIN, RUN_TERMINAL, AttemptStatus, OrchestrationStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.budgets import closed_for, uses
from cursor_monitor.engine.fold import begin, evolve
from cursor_monitor.engine.plan_edit import parse_plan
from cursor_monitor.engine.rules.choosing import keep
from cursor_monitor.engine.rules.stuck import is_stuck_for_good
from tests.builders import NOW, ORCHESTRATION_ID, a_plan, a_report
from tests.unit.engine.invariants import check_decision

T = TypeVar("T")

REPORTS: tuple[Report | None, ...] = (
    *[a_report()] * 5,
    None,
    a_report(remaining=("more",)),
    a_report(passed=3, failed=2),
    a_report(tests=None),
    a_report(confidence=0.0),
    Report(tests=TestCounts(run=0, passed=9, failed=0)),
    Report(),
)
"""Good, missing, unfinished, failing, untested, doubtful, lying, empty."""

PLANS = (
    a_plan("a"),
    a_plan("a", "b<a", "c<a,b"),
    a_plan("a", "b", "c<a,b"),
    a_plan("a<a"),
    a_plan(*(f"t{n}" for n in range(40))),
    a_plan("a").replace('"key"', '"max_agents": 99, "key"'),
    "I would rather not.",
    None,
)
"""Answers of a planner: one task, a chain, one that needs a merge, a circle, too many, a grab for budget, none."""

EDITS: tuple[list[dict[str, Any]], ...] = (
    [{"key": "z", "prompt": "Do z."}],
    [{"key": "a", "prompt": "Do a."}, {"key": "z", "prompt": "Do z.", "depends_on": ["a"], "best_of": 2}],
    [{"key": key, "prompt": f"Do {key}."} for key in "pqr"]
    + [{"key": "s", "prompt": "Do s.", "depends_on": ["p", "q", "r"]}],
)
"""Plans that a person puts in the place of another: one task, candidates, merges."""

REVIEWS = (*[Review(True)] * 4, Review(False, ("It lacks a test.",)), Review(False, ("No.",)), None)

UNKNOWN_WORDS = ("QUEUED", "HIBERNATING")
LAUNCHES = (*["launched"] * 8, "lost", "lost", "refused", "held")
SENDINGS = (*["sent"] * 6, "refused", "dropped", "held")
STIRS = (*["FINISHED"] * 8, *["RUNNING"] * 3, "ERROR", "ERROR", "EXPIRED", "CANCELLED", "delete", "unknown")
FAIR_ENDS = ("FINISHED", "FINISHED", "FINISHED", "ERROR", "EXPIRED", "hangs")
ROUNDS = 400
COST = 10  # cents for each run


class Script:
    """The choices of everyone and everything outside, repeatable from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, count: int) -> int:
        """The next choice, from 0 to count - 1."""
        return self._random.randrange(count)

    def pick(self, items: Sequence[T]) -> T:
        """The next choice among these."""
        return self._random.choice(items)


@dataclass
class CloudRun:
    """A run as Cursor has it."""

    id: str
    status: str = "CREATING"
    report: Report | None = None
    review: Review | None = None
    branch: str | None = None
    result: str | None = None

    @property
    def is_over(self) -> bool:
        return self.status in RUN_TERMINAL


@dataclass
class CloudAgent:
    """An agent as Cursor has it."""

    id: str
    runs: list[CloudRun] = field(default_factory=list)
    is_deleted: bool = False
    is_free_of_bills: bool = False


@dataclass(frozen=True)
class Effect:
    """Something a worker is to do at Cursor."""

    kind: str  # launch, followup, cancel
    task_key: str
    agent_id: str
    ref: str = ""  # the follow-up's or the run's id


class World:
    """One orchestration and all that can happen to it."""

    def __init__(self, request: e.OrchestrationRequested, seed: int) -> None:
        self.script = Script(seed)
        self.now = NOW
        self.history: list[e.Event] = [request]
        self.snapshot: Snapshot = begin(ORCHESTRATION_ID, request)
        self.effects: list[Effect] = []
        self.cloud: dict[str, CloudAgent] = {}
        self.attempts_allowed: dict[str, int] = {}
        self.retries = 0
        self.wake_at: datetime | None = None
        self._seed = seed

    def __repr__(self) -> str:
        return f"World({self.history[0]!r}, {self._seed}) after {[type(event).__name__ for event in self.history]}"

    # What the worker does.

    def record(self, *facts: e.Event) -> None:
        """Fold facts in and decide, as in one transaction."""
        for fact in facts:
            self._append(fact)
        decision = decide(self.snapshot, self.now)
        check_decision(self.snapshot, decision, self.now)
        self._check_evidence(decision.events)
        self.snapshot = decision.snapshot
        self.history.extend(decision.events)
        self.wake_at = decision.wake_at
        for event in (*facts, *decision.events):
            self._react(event)
        self._check_budgets()

    def _append(self, event: e.Event) -> None:
        self.snapshot = evolve(self.snapshot, event)
        self.history.append(event)

    def _react(self, event: e.Event) -> None:
        match event:
            case e.AttemptRequested():
                self.effects.append(Effect("launch", event.task_key, event.agent_id))
            case e.FollowUpRequested():
                self.effects.append(Effect("followup", event.task_key, event.agent_id, event.followup_id))
            case e.AttemptReleased():
                kind = "followup" if event.followup_id else "launch"
                self.effects.append(Effect(kind, event.task_key, event.agent_id, event.followup_id or ""))
            case e.RunCancelRequested():
                self.effects.append(Effect("cancel", event.task_key, event.agent_id, event.run_id))
            case _:
                pass

    def _check_evidence(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.RunAssessed):
                run = self.cloud[event.agent_id].runs[-1]
                _, attempt = self._place(event.agent_id)
                assert event.run_id == run.id, "an older run was assessed"
                assert attempt.run is not None
                assert attempt.run.report == run.report, "assessed without its report"

    def _check_budgets(self) -> None:
        for use in uses(self.snapshot, self.now)[:2]:
            assert use.allowed is None or use.used <= use.allowed, f"more than the budget: {use}"
        for task in self.snapshot.tasks:
            allowed = self.attempts_allowed.get(task.key, self.snapshot.options.max_attempts)
            assert task.tries <= allowed, f"{task.key}: {task.tries} attempts, {allowed} allowed"
        planner = self.snapshot.planner
        if planner is not None:
            assert len(planner.attempts) <= self.snapshot.options.max_attempts + self.retries, "too many planners"

    def perform(self, effect: Effect, *, fairly: bool) -> None:
        """Carry out one effect, or find that it is done already."""
        task = self.snapshot.task(effect.task_key)
        attempt = next(a for a in task.attempts if a.agent_id == effect.agent_id)
        if effect.kind == "launch":
            self._launch(effect, attempt, fairly)
        elif effect.kind == "followup":
            self._followup(effect, attempt, fairly)
        else:
            self._cancel(effect, fairly)

    def _launch(self, effect: Effect, attempt: Attempt, fairly: bool) -> None:
        if attempt.status is not AttemptStatus.LAUNCHING or attempt.is_held:
            return
        exists = effect.agent_id in self.cloud
        if self.snapshot.is_cancelling and not exists:
            self.record(self._ended(effect, AttemptStatus.CANCELLED))
            return
        outcome = "launched" if fairly or exists else self.script.pick(LAUNCHES)
        if outcome == "refused":
            self.record(self._ended(effect, AttemptStatus.FAILED, "invalid", "Cursor refused the launch."))
        elif outcome == "held":
            self._hold(effect, None)
        else:
            first = CloudRun(f"{effect.agent_id}/1")
            made = CloudAgent(effect.agent_id, [first], is_free_of_bills=self.script.below(4) == 0)
            agent = self.cloud.setdefault(effect.agent_id, made)
            if outcome == "lost":
                self.effects.append(effect)
                return
            run = None if not fairly and self.script.below(5) == 0 else agent.runs[-1]
            status = run.status if run else "CREATING"
            run_id = run.id if run else None
            self.record(e.AttemptLaunched(**self._at(effect), run_id=run_id, run_status=status))

    def _followup(self, effect: Effect, attempt: Attempt, fairly: bool) -> None:
        waiting = attempt.unsent_followup
        if waiting is None or waiting.id != effect.ref or attempt.is_held or not attempt.is_live:
            return
        agent = self.cloud[effect.agent_id]
        if self.snapshot.is_cancelling:
            self.record(self._dropped(effect, "the orchestration is cancelled"))
        elif agent.is_deleted:
            self.record(self._dropped(effect, "gone"), self._ended(effect, AttemptStatus.FAILED, "gone", "gone"))
        elif not agent.runs[-1].is_over:
            self.effects.append(effect)
        else:
            self._send(effect, agent, "sent" if fairly else self.script.pick(SENDINGS))

    def _send(self, effect: Effect, agent: CloudAgent, outcome: str) -> None:
        if outcome == "refused":
            self.record(self._dropped(effect, "refused"), self._ended(effect, AttemptStatus.FAILED, "no", "refused"))
        elif outcome == "dropped":
            self.record(self._dropped(effect, "given up"))
        elif outcome == "held":
            self._hold(effect, effect.ref)
        else:
            run = CloudRun(f"{agent.id}/{len(agent.runs) + 1}")
            agent.runs.append(run)
            if self.script.below(4) == 0:
                self._end_run(run, "FINISHED")
            self.record(
                e.FollowUpSent(**self._at(effect), followup_id=effect.ref, run_id=run.id, run_status=run.status)
            )

    def _cancel(self, effect: Effect, fairly: bool) -> None:
        run = next(run for run in self.cloud[effect.agent_id].runs if run.id == effect.ref)
        if not run.is_over:
            self._end_run(run, "CANCELLED" if fairly or self.script.below(3) else "FINISHED")

    def _hold(self, effect: Effect, followup: str | None) -> None:
        held = e.AttemptHeld(**self._at(effect), code="usage_limit_exceeded", error="no money", followup_id=followup)
        may_block = self.snapshot.status is OrchestrationStatus.RUNNING and not self.snapshot.is_cancelling
        blocked = e.OrchestrationBlocked(at=self.now, code="usage_limit_exceeded", summary="Raise the limit.")
        self.record(*([held, blocked] if may_block else [held]))

    def observe(self, agent: CloudAgent, *, again: bool = False) -> None:
        """Tell what Cursor says of an agent's newest run, if it is news; `again` tells it even if it is not."""
        task, attempt = self._place(agent.id)
        place: dict[str, Any] = {"at": self.now, "task_key": task.key, "agent_id": agent.id}
        if attempt.status is not AttemptStatus.RUNNING:
            return
        if agent.is_deleted:
            self.record(e.AttemptEnded(**place, status=AttemptStatus.LOST, code="agent_deleted", error="deleted"))
            return
        run, known = agent.runs[-1], attempt.run
        is_same = known is not None and known.id == run.id
        is_news = known is None or (is_same and known.status != run.status and known.status not in RUN_TERMINAL)
        if is_news or (again and is_same):
            self.record(
                e.RunObserved(
                    **place,
                    run_id=run.id,
                    run_status=run.status,
                    result=run.result if run.is_over else None,
                    report=run.report if run.is_over and attempt.role == WORK else None,
                    review=run.review if run.is_over and attempt.role == REVIEW else None,
                    branch=run.branch,
                )
            )

    def look_at_code_host(self, agent: CloudAgent) -> None:
        """Tell what the code host says of an agent's branch, while the orchestration is not over."""
        task, attempt = self._place(agent.id)
        if self.snapshot.is_terminal or task.key == PLANNER_KEY:
            return
        checks = self.script.pick(CHECKS)
        facts = CodeHostFacts(
            pr_state=self.script.pick([None, *PR_STATES]),
            head_sha=agent.runs[-1].id,
            checks=checks,
            failed_checks=("test",) if checks == "failed" else (),
            changed_files=self.script.pick([None, 0, 7]),
            observed_at=self.now,
        )
        self.record(e.CodeHostObserved(at=self.now, task_key=task.key, agent_id=agent.id, facts=facts))
        _, seen = self._place(agent.id)
        assert (seen.code_host, seen.run) == (facts, attempt.run), "the code host's word must stand beside Cursor's"

    def bill(self, agent: CloudAgent) -> None:
        """Tell what the agent has cost, if it is news; Cursor does not tell of some."""
        task, attempt = self._place(agent.id)
        run = attempt.run
        if run is None or run.status not in RUN_TERMINAL or attempt.costed_run_id == run.id:
            return
        cents = None if agent.is_free_of_bills else float(COST * len(agent.runs))
        self.record(e.UsageObserved(at=self.now, task_key=task.key, agent_id=agent.id, run_id=run.id, cents=cents))

    # What happens at Cursor.

    def _end_run(self, run: CloudRun, status: str) -> None:
        run.status = status
        if status == "FINISHED":
            run.report = self.script.pick(REPORTS)
            run.result = self.script.pick(PLANS)
            run.review = self.script.pick(REVIEWS)
            run.branch = self.script.pick([None, f"cursor/{run.id[-6:]}"])

    def stir_cloud(self) -> None:
        """Let one run at Cursor move, end, or be cancelled there, or its agent be deleted."""
        agents = [agent for agent in self.cloud.values() if not agent.is_deleted]
        if not agents:
            return
        agent = self.script.pick(agents)
        word = self.script.pick(STIRS)
        if word == "delete":
            agent.is_deleted = True
        elif not agent.runs[-1].is_over:
            self._end_run(agent.runs[-1], self.script.pick(UNKNOWN_WORDS) if word == "unknown" else word)

    # What people do.

    def some_control(self) -> None:
        """Use one of the controls that make sense now, on the whole or on a task."""
        s = self.snapshot
        controls: list[tuple[str, str | None]] = [
            (name, None) for name in possible_controls(s.status, is_cancelling=s.is_cancelling, code=s.error_code)
        ]
        if ("approve", None) in controls:
            controls.append(("edit", None))
        if not s.is_cancelling or s.is_terminal:
            controls += [(name, t.key) for t in s.tasks for name in self._task_controls(t)]
            controls += [("followup", t.key) for t in s.tasks if self._takes_followup(t)]
        if self.script.below(4):  # else everything would soon be cancelled
            controls = [control for control in controls if control[0] != "cancel"]
        if controls:
            self.control(*self.script.pick(controls))

    def _task_controls(self, task: Task) -> tuple[str, ...]:
        return possible_task_controls(task.status, self.snapshot.status, family_of(task, self.snapshot.tasks))

    def _takes_followup(self, task: Task) -> bool:
        attempt = task.attempt
        lost = family_of(task, self.snapshot.tasks).is_decided
        return (
            not (lost and self.snapshot.task(task.candidate_of or "").kept != task.key)
            and not self.snapshot.is_terminal
            and attempt is not None
            and attempt.status in (AttemptStatus.RUNNING, AttemptStatus.SUCCEEDED)
            and attempt.unsent_followup is None
            and attempt.iterations < self.snapshot.options.max_iterations
            and closed_for(self.snapshot, self.now, followups=1) is None
        )

    def control(self, name: str, key: str | None = None) -> None:
        """Record a control; what follows from it is decided at the next look."""
        if name == "keep" and key is not None:
            s, task = self.snapshot, self.snapshot.task(self.snapshot.task(key).candidate_of or "")
            events = keep(s, task, key, "chosen by ada.", self.now, by="ada")
        else:
            events = [self._task_control(name, key) if key is not None else self._whole_control(name)]
        for event in events:
            self._append(event)
            self._react(event)

    def _whole_control(self, name: str) -> e.Event:
        s, at, by = self.snapshot, self.now, "ada"
        match name:
            case "approve":
                return e.PlanApproved(at=at, by=by)
            case "edit":
                plan = self.script.pick(EDITS)
                return e.PlanEdited(at=at, by=by, tasks=parse_plan(plan, s.options.models, s.options))
            case "pause":
                return e.OrchestrationPaused(at=at, by=by)
            case "resume":
                for task in s.tasks if s.error_code == STUCK else ():
                    if is_stuck_for_good(task):
                        self._allow_one_more(task.key)
                return e.OrchestrationResumed(at=at, by=by)
            case "budget":
                return e.BudgetChanged(at=at, by=by, limits=self._more())
            case "cancel":
                return e.CancelRequested(at=at, by=by)
            case _:
                keys = s.retryable
                self.retries += 1
                for key in keys:
                    self._allow_one_more(key)
                return e.OrchestrationRetried(at=at, by=by, task_keys=keys)

    def _more(self) -> dict[str, float]:
        """A larger limit for the budget that is used up."""
        name = next(name for name, code in CODES.items() if code == self.snapshot.error_code)
        used = next(use.used for use in uses(self.snapshot, self.now) if use.budget == name)
        return {name: int(used) + self.script.pick([1, 2, 30])}

    def _task_control(self, name: str, key: str) -> e.Event:
        if name == "retry":
            for one in (key, *(t.key for t in self.snapshot.candidates(key) if t.status in OPEN_AGAIN)):
                self._allow_one_more(one)
            return e.TaskRetried(at=self.now, task_key=key, by="ada")
        if name == "skip":
            return e.TaskSkipped(at=self.now, task_key=key, reason="left out by ada", by="ada")
        attempt = self.snapshot.task(key).attempt
        assert attempt is not None
        return e.FollowUpRequested(
            at=self.now,
            task_key=key,
            agent_id=attempt.agent_id,
            followup_id=followup_id(attempt.agent_id, attempt.iterations + 1),
            asks="person",
            prompt="One more thing.",
            by="ada",
        )

    def _allow_one_more(self, key: str) -> None:
        used = self.snapshot.task(key).tries
        self.attempts_allowed[key] = max(self.snapshot.options.max_attempts, used + 1)

    # How a whole story goes.

    def turmoil(self, steps: int) -> None:
        """Anything may happen, in any order, and much of it is lost or comes twice."""
        for _ in range(steps):
            moves = [*[self.some_effect] * 5, *[self.some_observation] * 6, self.some_control, self.some_time]
            self.script.pick(moves)()

    def some_effect(self) -> None:
        if not self.effects:
            self.record()
            return
        effect = self.script.pick(self.effects)
        if self.script.below(4):  # else the job is done twice
            self.effects.remove(effect)
        self.perform(effect, fairly=False)

    def some_observation(self) -> None:
        self.stir_cloud()
        if self.cloud and self.script.below(4):  # else it is lost
            self.observe(self.script.pick(list(self.cloud.values())), again=self.script.below(3) == 0)
        if self.cloud and self.script.below(3) == 0:
            self.look_at_code_host(self.script.pick(list(self.cloud.values())))
        if self.cloud and self.script.below(2):
            self.bill(self.script.pick(list(self.cloud.values())))

        if self.cloud and self.script.below(3) == 0:
            self.see_loop(self.script.pick(list(self.cloud.values())))

    def see_loop(self, agent: CloudAgent) -> None:
        """Tell that an agent goes in circles, as often as the contract allows: when it is new, or certain."""
        task, attempt = self._place(agent.id)
        run, known, is_certain = attempt.run, attempt.stuck, self.script.below(2) == 0
        if not attempt.is_live or run is None or run.status in RUN_TERMINAL or self.snapshot.is_terminal:
            return
        if known is not None and known.run_id == run.id and (known.is_certain or not is_certain):
            return
        place: dict[str, Any] = {"at": self.now, "task_key": task.key, "agent_id": agent.id, "run_id": run.id}
        what: dict[str, Any] = {"kind": self.script.pick(list(LoopKind)), "count": 9, "action": "ls", "result": ""}
        self.record(e.LoopDetected(**place, **what, first=1, last=9, is_certain=is_certain))

    def some_time(self) -> None:
        self.now += timedelta(minutes=10 * self.script.below(9))

    def settle(self) -> None:
        """From here on every effect is carried out, every run ends or is cancelled, and every question is answered."""
        for _ in range(ROUNDS):
            if self.snapshot.is_terminal:
                return
            self._fair_round()
        raise AssertionError(f"no end after {ROUNDS} rounds: {self.snapshot.status}, {self.snapshot.tasks}")

    def _fair_round(self) -> None:
        before = len(self.history)
        s = self.snapshot
        possible = possible_controls(s.status, is_cancelling=s.is_cancelling, code=s.error_code)
        answer = next((name for name in ("approve", "resume", "budget") if name in possible), None)
        if answer is not None:
            self.control(answer)
        elif s.error_code == CHOICE and not s.is_cancelling:
            self.control("keep", self.script.pick([t.key for t in s.tasks if "keep" in self._task_controls(t)]))
        self.record()
        effects, self.effects = self.effects, []
        for effect in effects:
            self.perform(effect, fairly=True)
        for agent in self.cloud.values():
            end = self.script.pick(FAIR_ENDS)
            if not agent.runs[-1].is_over and end != "hangs":
                self._end_run(agent.runs[-1], end)
        for agent in self.cloud.values():
            self.observe(agent)
            self.bill(agent)
        if len(self.history) == before and not self.effects:
            assert self.wake_at is not None, "nothing will happen, and nobody looks again"
            self.now = max(self.now, self.wake_at)

    # Parts of events.

    def _at(self, effect: Effect) -> dict[str, Any]:
        return {"at": self.now, "task_key": effect.task_key, "agent_id": effect.agent_id}

    def _ended(
        self, effect: Effect, status: AttemptStatus, code: str | None = None, error: str | None = None
    ) -> e.Event:
        return e.AttemptEnded(**self._at(effect), status=status, code=code, error=error)

    def _dropped(self, effect: Effect, reason: str) -> e.Event:
        return e.FollowUpDropped(**self._at(effect), followup_id=effect.ref, reason=reason)

    def _place(self, agent_id: str) -> tuple[Task, Attempt]:
        return next((t, a) for t in self.snapshot.worked_on for a in t.attempts if a.agent_id == agent_id)
