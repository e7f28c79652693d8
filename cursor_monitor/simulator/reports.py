"""The last message of a run: what was done, and the completion report every prompt asks for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from cursor_monitor.simulator.chance import dice
from cursor_monitor.simulator.model import Agent, Run
from cursor_monitor.simulator.scenarios import Scenario, is_merge, without_markers

_NOISE = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "of", "on"),
        *("or", "that", "the", "then", "this", "to", "with", "add", "make", "use", "please"),
    )
)
_CONFLICT = "CONFLICT: both branches change src/app.py, lines 10 to 14: one renames what the other calls."
_LEFT = (
    "Cover the error paths with tests",
    "Document the new behaviour",
    "Handle empty input",
    "Remove the old code",
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a run did to the repository."""

    subject: str
    files: tuple[str, ...]
    tests: int
    failed: int
    done: tuple[str, ...]
    remaining: tuple[str, ...]
    confidence: float


def slug(text: str, words: int = 4) -> str:
    """Up to `words` telling words of a text, joined by hyphens; never empty."""
    found = re.findall(r"[a-z0-9]+", without_markers(text).lower())
    telling = [word for word in found if word not in _NOISE and len(word) < 24]
    return "-".join(telling[:words]) or "task"


def work_of(agent: Agent, run: Run, seed: str) -> Work:
    """The work of one run, the same whenever it is asked for."""
    scenario, number = agent.scenario, run.number
    roll = dice(seed, agent.id, number, "work")
    name = slug(agent.name).replace("-", "_")
    tests = 0 if number < scenario.no_tests else roll.randint(8, 40)
    failed = min(tests, roll.randint(1, 3)) if number < scenario.failing_tests else 0
    return Work(
        subject=agent.name.rstrip("."),
        files=(f"src/{name}.py", f"tests/test_{name}.py", *(["README.md"] if roll.random() < 0.5 else [])),
        tests=tests,
        failed=failed,
        done=(f"Implemented: {agent.name.rstrip('.')}", f"Added tests in tests/test_{name}.py"),
        remaining=_remaining(agent, number),
        confidence=_confidence(agent, number),
    )


def _remaining(agent: Agent, number: int) -> tuple[str, ...]:
    if agent.scenario.conflict and is_merge(agent.runs[0].prompt):
        return (_CONFLICT,)
    return tuple(_LEFT[: max(1, agent.scenario.iterate - number)]) if number < agent.scenario.iterate else ()


def _confidence(agent: Agent, number: int) -> float:
    if number < agent.scenario.low_quality:
        return 0.3
    given = agent.scenario.confidence
    return given[agent.rank % len(given)] if given else 0.9


def report_of(work: Work) -> dict[str, Any]:
    """The five keys of the completion report."""
    return {
        "done": list(work.done),
        "remaining": list(work.remaining),
        "tests": {"run": work.tests, "passed": work.tests - work.failed, "failed": work.failed},
        "files": list(work.files),
        "confidence": work.confidence,
    }


def result_text(agent: Agent, run: Run, seed: str) -> str:
    """The final reply of a finished run that writes code, or judges it."""
    if agent.review_round is not None:
        return _verdict(agent)
    work = work_of(agent, run, seed)
    return f"{_summary(work)}{_report_block(agent.scenario, run.number, work)}"


def _verdict(agent: Agent) -> str:
    asks = agent.review_round is not None and agent.review_round < agent.scenario.review_changes
    findings = ["src: the empty input is not handled", "tests: the error path is not covered"] if asks else []
    verdict = {"verdict": "changes" if asks else "approve", "findings": findings}
    return f"I read the difference and ran the tests.\n\n```json\n{json.dumps(verdict)}\n```"


def _summary(work: Work) -> str:
    tests = f"{work.tests - work.failed} of {work.tests} tests pass" if work.tests else "no tests were run"
    changed = ", ".join(f"`{name}`" for name in work.files)
    left = f" Still open: {'; '.join(work.remaining)}." if work.remaining else ""
    return f"{work.subject}: done what this turn covered. Changed {changed}; {tests}.{left}"


def _report_block(scenario: Scenario, number: int, work: Work) -> str:
    if number < scenario.no_report:
        return ""
    text = json.dumps(report_of(work), indent=2)
    if number < scenario.bad_report:
        text = text[: len(text) // 2]
    return f"\n\n```json\n{text}\n```"
