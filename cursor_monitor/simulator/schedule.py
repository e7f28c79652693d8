"""When a run starts and ends, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.simulator.chance import fraction
from cursor_monitor.simulator.model import ERROR, EXPIRED, FINISHED, NEVER, Agent
from cursor_monitor.simulator.scenarios import Scenario

MIN_SECONDS, MAX_SECONDS = 4.0, 12.0
STARTING_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Course:
    """Milliseconds until the run starts and ends, and the status it ends with, NEVER where it does not."""

    start_ms: int
    planned_ms: int
    fate: str


def course_of(agent: Agent, number: int, mode: str, seed: str, scale: float) -> Course:
    """What run `number` of the agent will do."""
    scenario = agent.scenario
    seconds = scenario.slow
    if seconds is None:
        seconds = MIN_SECONDS + (MAX_SECONDS - MIN_SECONDS) * fraction(seed, agent.id, number, "seconds")
    planned = max(2, round(seconds * scale * 1000))
    answer = plan_answer(scenario, number) if mode == "plan" else None
    return Course(max(1, round(planned * STARTING_SHARE)), planned, _fate(agent, number, answer))


def plan_answer(scenario: Scenario, number: int) -> str:
    """The name of the planner answer for run `number`; the last one repeats."""
    if not scenario.plan:
        return "default"
    return scenario.plan[min(number, len(scenario.plan) - 1)]


def _fate(agent: Agent, number: int, answer: str | None) -> str:
    if agent.revived:
        return ERROR
    if answer is not None:
        return {"error": ERROR, "expire": EXPIRED, "never": NEVER}.get(answer, FINISHED)
    if agent.scenario.never or agent.scenario.circling(number):
        return NEVER
    if number < agent.scenario.error or (agent.doomed and number == 0):
        return ERROR
    return EXPIRED if agent.scenario.expire and number == 0 else FINISHED
