"""Quality from evidence: 0 to 100 over what is known, with the share of evidence that is known beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cursor_monitor.domain.orchestration import Attempt, Report, RunFacts
from cursor_monitor.engine.gates import host_facts

WEIGHTS: Mapping[str, int] = {
    "report": 30,
    "tests": 30,
    "checks": 40,
    "agreement": 20,
    "review": 40,
    "confidence": 20,
    "iterations": 20,
}
"""How much each part of the evidence counts; a part that is unknown counts for nothing, not for zero."""

WEAKNESS: Mapping[str, str] = {
    "report": "work is reported as remaining",
    "tests": "tests are missing or fail",
    "checks": "checks at the code host are red",
    "agreement": "your report says that tests pass, and the checks say otherwise",
    "review": "the reviewer asked for changes",
    "confidence": "you reported low confidence: find out what you doubt, and settle it",
    "iterations": "many follow-ups were needed",
}


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is None where nothing is known; `coverage` is the share of the weights that is known, in percent."""

    value: int | None
    coverage: int
    evidence: dict[str, float | None]

    @property
    def weak(self) -> tuple[str, ...]:
        """What the agent can better, the weakest first."""
        known = sorted((v, part) for part, v in self.evidence.items() if v is not None and v < 0.8)
        return tuple(WEAKNESS[part] for _, part in known if part != "iterations")


def score_run(attempt: Attempt, run: RunFacts, *, max_iterations: int, review: float | None = None) -> Score:
    """Score one finished run by its report, the code host's checks and the follow-ups its agent needed."""
    report = run.report
    checks = _checks_share(attempt, run)
    says = _passed_share(report)
    evidence: dict[str, float | None] = {
        "report": _finished_share(report),
        "tests": says,
        "checks": checks,
        "agreement": None if checks is None or says is None else float((says == 1.0) <= (checks == 1.0)),
        "review": review,
        "confidence": report.confidence if report else None,
        "iterations": 1 - min(attempt.iterations, max_iterations) / max_iterations,
    }
    return weigh(evidence)


def weigh(evidence: dict[str, float | None]) -> Score:
    """The weighted mean of what is known."""
    known = {part: value for part, value in evidence.items() if value is not None}
    total = sum(WEIGHTS[part] for part in known)
    value = round(100 * sum(WEIGHTS[part] * value for part, value in known.items()) / total) if total else None
    return Score(value, round(100 * total / sum(WEIGHTS.values())), evidence)


def _checks_share(attempt: Attempt, run: RunFacts) -> float | None:
    facts = host_facts(attempt, run)
    return {"passed": 1.0, "failed": 0.0}.get(facts.checks) if facts else None


def _finished_share(report: Report | None) -> float | None:
    if report is None or not (report.done or report.remaining):
        return None
    return len(report.done) / (len(report.done) + len(report.remaining))


def _passed_share(report: Report | None) -> float | None:
    tests = report.tests if report else None
    if tests is None or tests.passed + tests.failed == 0:
        return None
    return tests.passed / (tests.passed + tests.failed)
