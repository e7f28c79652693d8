"""A launch without launching: the plan, the agents it would take, the limits it would meet, what it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cursor_monitor.domain.orchestration import LaunchRequest, Options, PlanTask, Snapshot
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine import plan
from cursor_monitor.engine.plan_candidates import agents_in, with_agents
from cursor_monitor.engine.plan_graph import columns
from cursor_monitor.engine.plan_hash import plan_hash
from cursor_monitor.engine.plan_split import split_prompt
from cursor_monitor.services.caps import AGENTS, caps_of, days_of
from cursor_monitor.services.governed import parse_governed
from cursor_monitor.services.templates import expand
from cursor_monitor.store import accounts, cache, plan_facts
from cursor_monitor.store.database import reading
from cursor_monitor.store.events import database_now


@dataclass(frozen=True, slots=True)
class LimitMet:
    """A limit that the plan will meet, and what happens then."""

    name: str
    allowed: float
    needed: float
    message: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it may cost; `cents` None where nothing is known to tell it from, `basis` says from what."""

    cents: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What launching this now would do; `tasks` is empty where a planner would be asked first."""

    source: str  # request, prompt or planner; of a plan that was made, also fallback or person
    tasks: tuple[PlanTask, ...]
    shared: str  # what every task is told besides its own prompt
    agents: int  # launched if nothing fails
    agents_most: int  # launched if every task needs all its attempts
    rounds: int  # how often the agents at work are replaced by the next
    limits: tuple[LimitMet, ...]
    estimate: Estimate
    plan_hash: str


def dry_run(fields: Mapping[str, Any]) -> Preview:
    """What a launch with these fields would do; raises Invalid where it would be refused."""
    with reading() as session:
        named = fields.get("account") if isinstance(fields, Mapping) else None
        account = accounts.resolve(session, named if isinstance(named, str) else None)
        found = cache.get(session, cache.account_key("models", account.id))
        models = tuple(model["id"] for model in found[0]) if found else ()
        request = parse_governed(session, _without_hash(expand(session, fields)), models)
        return _preview(session, account.id, request, plan.make_plan(request), _source(request))


def preview_of(session: Session, s: Snapshot) -> Preview:
    """The same of an orchestration that has its plan."""
    tasks = planned_tasks(s) if s.is_planned else None
    return _preview(session, s.account_id, request_of(s), tasks, s.plan_source or "planner")


def request_of(s: Snapshot) -> LaunchRequest:
    """The request that an orchestration stands for now."""
    return LaunchRequest(s.prompt, s.repository, s.mode, s.name, s.ref, s.model, s.requested_tasks, s.options)


def planned_tasks(s: Snapshot) -> tuple[PlanTask, ...]:
    """The plan of an orchestration as it stands."""
    return tuple(
        PlanTask(t.key, t.title, t.prompt, t.depends_on, t.model, t.ref, t.is_merge, candidate_of=t.candidate_of)
        for t in s.tasks
    )


def present_hash(session: Session, request: LaunchRequest, tasks: Sequence[PlanTask] | None) -> str:
    """The hash of a plan with the facts as they are now."""
    return plan_hash(request, tasks, plan_facts.plan_facts(session, request.repository))


def _without_hash(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return (
        {k: v for k, v in fields.items() if k not in ("plan_hash", "account")}
        if isinstance(fields, Mapping)
        else fields
    )


def _source(request: LaunchRequest) -> str:
    if request.tasks or request.mode is Mode.SINGLE_AGENT:
        return "request"
    return "prompt" if plan.make_plan(request) is not None else "planner"


def _preview(
    session: Session, account_id: str, request: LaunchRequest, tasks: tuple[PlanTask, ...] | None, source: str
) -> Preview:
    planners = 1 if source == "planner" else 0
    known = tasks or ()
    agents = planners + (agents_in(known) if known else request.options.best_of)
    cents, basis = plan_facts.median_run_cost(session)
    estimate = _estimate(cents, basis, agents, is_open=tasks is None)
    waits = {task.key: task.depends_on for task in with_agents(known)}
    parallel = request.options.max_parallel_agents
    rounds = sum(-(-len(column) // parallel) for column in columns(waits))
    split = split_prompt(request.prompt, bullets=request.mode is not Mode.AUTO) if source == "prompt" else None
    shared = _shared_limits(session, account_id, request, agents, waits)
    return Preview(
        source=source,
        tasks=known,
        shared=split.shared if split else "",
        agents=agents,
        agents_most=agents * request.options.max_attempts,
        rounds=rounds + planners,
        limits=(*_limits(request.options, agents, waits, estimate), *shared),
        estimate=estimate,
        plan_hash=present_hash(session, request, tasks),
    )


def _estimate(median: float | None, agents_known: int, agents: int, *, is_open: bool) -> Estimate:
    if median is None:
        return Estimate(None, "unknown: the cost of no run is known in this database yet")
    basis = f"{agents} runs at {median:.4g} cents, the median of the newest {agents_known} agents with known cost"
    more = ", the tasks of the planner's plan not counted" if is_open else ""
    return Estimate(round(agents * median, 2), f"{basis}; follow-ups cost more{more}")


def _limits(
    options: Options, agents: int, waits: Mapping[str, Sequence[str]], estimate: Estimate
) -> tuple[LimitMet, ...]:
    met: list[LimitMet] = []
    if options.max_agents is not None and agents > options.max_agents:
        message = f"it blocks after {options.max_agents} of {agents} agents, until a person raises max_agents"
        met.append(LimitMet("max_agents", options.max_agents, agents, message))
    widest = max((len(column) for column in columns(waits)), default=0)
    if widest > options.max_parallel_agents:
        message = f"{widest} tasks could run at once, {options.max_parallel_agents} may; the others wait"
        met.append(LimitMet("max_parallel_agents", options.max_parallel_agents, widest, message))
    cents = estimate.cents
    if options.budget_cents is not None and cents is not None and cents > options.budget_cents:
        message = f"it is expected to cost {cents:g} cents; it blocks once {options.budget_cents:g} are spent"
        met.append(LimitMet("budget_cents", options.budget_cents, cents, message))
    return tuple(met)


def _shared_limits(
    session: Session, account_id: str, request: LaunchRequest, agents: int, waits: Mapping[str, Sequence[str]]
) -> list[LimitMet]:
    """The limits that it shares with all other work of its account and repository."""
    caps = caps_of(session, account_id, request.repository)
    widest = max((len(column) for column in columns(waits)), default=1)
    at_once = min(widest, request.options.max_parallel_agents)
    met: list[LimitMet] = []
    for name, allowed in (("account", caps.account_agents), ("repository", caps.repository_agents)):
        if allowed is not None and at_once > allowed:
            message = f"at most {allowed} tasks of the {name} are at work at once, over all orchestrations"
            met.append(LimitMet(f"{name}_agents", allowed, at_once, message))
    for day in days_of(session, account_id, caps, database_now(session)):
        needed = day.used + (agents if day.name == AGENTS else 0)
        if needed > day.allowed or day.used >= day.allowed:
            message = f"{day.used:g} of today's {day.allowed:g} {day.name} are used; it blocks once they all are"
            met.append(LimitMet(f"day_{day.name}", day.allowed, needed, message))
    return met
