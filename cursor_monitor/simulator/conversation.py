"""What an agent says and does in a run, step by step, the same whenever it is asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from cursor_monitor.simulator.chance import dice
from cursor_monitor.simulator.circles import circles
from cursor_monitor.simulator.model import Agent, Run
from cursor_monitor.simulator.plans import plan_text
from cursor_monitor.simulator.reports import Work, result_text, work_of
from cursor_monitor.simulator.step import Step

_OPENINGS = (
    "I'll start by reading the code around this.",
    "Let me look at the repository first.",
    "First I want to see how this works today.",
)
_THOUGHTS = (
    "The change touches one module and its tests; I should keep the public names as they are.",
    "There is a helper for this already, so I can reuse it instead of adding another.",
    "I need to check the callers before I change the signature.",
)
_MIDDLES = (
    "That is clear now. I'll make the change and add tests for it.",
    "I found the place. Writing the change and its tests next.",
)


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells what runs say, from the seed and the stored plans."""

    seed: str
    plan_dir: Path | None = None

    def final_text(self, agent: Agent, run: Run) -> str:
        """The final reply, if the run finishes."""
        return plan_text(agent, run, self.plan_dir) if run.mode == "plan" else result_text(agent, run, self.seed)

    def steps(self, agent: Agent, run: Run) -> list[Step]:
        """Everything before the final reply, in order of time."""
        roll = dice(self.seed, agent.id, run.number, "steps")
        circling = agent.scenario.circling(run.number) if run.mode != "plan" else None
        if circling is not None:
            return circles(circling)
        work = work_of(agent, run, self.seed)
        opening = roll.choice(_OPENINGS) + _environment(agent, run)
        steps = [
            Step(0.10, "thinking", roll.choice(_THOUGHTS)),
            Step(0.16, "assistant", opening),
            _read(0.24, "README.md", f"# {work.subject}\n"),
        ]
        return steps if run.mode == "plan" else steps + _coding(roll, work)


def _environment(agent: Agent, run: Run) -> str:
    names = agent.spec.get("envVars") if run.number == 0 else None
    return f" Available in the environment: {', '.join(names)}." if names else ""


def _coding(roll: random.Random, work: Work) -> list[Step]:
    source, tests = work.files[0], work.files[1]
    steps = [
        _read(0.32, source, "def run() -> None: ...\n"),
        Step(0.40, "assistant", roll.choice(_MIDDLES)),
        Step(0.55, "tool", tool="edit_file", args={"path": source}, result={"success": {"linesAdded": 42}}),
        Step(0.66, "tool", tool="edit_file", args={"path": tests}, result={"success": {"linesAdded": 31}}),
    ]
    return [*steps, _pytest(0.78, work)] if work.tests else steps


def _read(at: float, path: str, content: str) -> Step:
    found = {"content": content, "totalLines": 1, "fileSize": len(content), "path": path}
    return Step(at, "tool", tool="read_file", args={"path": path}, result={"success": found})


def _pytest(at: float, work: Work) -> Step:
    failed = f"{work.failed} failed, " if work.failed else ""
    output = {
        "command": "pytest -q",
        "exitCode": 1 if work.failed else 0,
        "stdout": f"{failed}{work.tests - work.failed} passed\n",
        "stderr": "",
    }
    result = {"success": output, "isBackground": False}
    return Step(at, "tool", tool="run_terminal_cmd", args={"command": "pytest -q"}, result=result)
