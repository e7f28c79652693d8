"""A finished run and its evidence in, a verdict with its reason out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cursor_monitor.domain.orchestration import Attempt, Report, RunFacts, Snapshot
from cursor_monitor.domain.status import Verdict
from cursor_monitor.engine import prompts
from cursor_monitor.engine.gates import Waits, awaited_checks, host_facts, red_checks, touched_paths
from cursor_monitor.engine.score import Score, score_run

REPEATS = 3
"""So often may the same be wrong before the agent is told no more."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What to make of a run; `asks` and `prompt` where the agent is told to go on, `complaint` says what is wrong."""

    verdict: Verdict
    reason: str
    score: Score
    asks: str | None = None
    prompt: str | None = None
    complaint: str | None = None


def assess(s: Snapshot, attempt: Attempt, run: RunFacts) -> Assessment | Waits:
    """Decide about a FINISHED run from evidence only; going on is refused where it is of no use or used up."""
    score = score_run(attempt, run, max_iterations=s.options.max_iterations)
    wanted = _wanted(s, attempt, run, score)
    return wanted if isinstance(wanted, Waits) else bounded(s, attempt, wanted)


def bounded(s: Snapshot, attempt: Attempt, wanted: Assessment) -> Assessment:
    """The same, or giving up where another follow-up is of no use or not allowed."""
    if wanted.prompt is None:
        return wanted
    if wanted.complaint and attempt.complaints[-(REPEATS - 1) :] == (wanted.complaint,) * (REPEATS - 1):
        reason = f"{wanted.reason} The same was found {REPEATS} times, so telling the agent again is of no use."
        return replace(wanted, verdict=Verdict.GIVE_UP, reason=reason, asks=None, prompt=None)
    if attempt.iterations < s.options.max_iterations:
        return wanted
    used = f"{attempt.iterations} follow-up{'s' if attempt.iterations != 1 else ''}"
    reason = f"{wanted.reason} All {used} are used."
    return replace(wanted, verdict=Verdict.GIVE_UP, reason=reason, asks=None, prompt=None)


def _wanted(s: Snapshot, attempt: Attempt, run: RunFacts, score: Score) -> Assessment | Waits:
    return (
        _path_touched(s, attempt, run, score)
        or _red(attempt, run, score)
        or _reported(s, attempt, run.report, score)
        or awaited_checks(s, attempt, run)
        or _quality(s, score)
        or _passed(s, attempt, run, score)
    )


def _path_touched(s: Snapshot, attempt: Attempt, run: RunFacts, score: Score) -> Assessment | None:
    paths = touched_paths(s.options, attempt, run)
    if not paths:
        return None
    reason = f"It changes what is protected: {', '.join(paths)}."
    if attempt.asked_for("paths"):
        return Assessment(Verdict.GIVE_UP, f"{reason} It was asked to take that back and did not.", score)
    return Assessment(Verdict.FIX, reason, score, "paths", prompts.ask_to_take_back(paths), f"paths {sorted(paths)}")


def _red(attempt: Attempt, run: RunFacts, score: Score) -> Assessment | None:
    red = red_checks(host_facts(attempt, run))
    if not red:
        return None
    reason = f"These checks are red: {', '.join(red)}."
    if score.evidence["agreement"] == 0.0:
        reason += " The report says otherwise; the checks count."
    return Assessment(Verdict.FIX, reason, score, "checks", prompts.ask_to_mend_checks(red), f"checks {sorted(red)}")


def _reported(s: Snapshot, attempt: Attempt, report: Report | None, score: Score) -> Assessment | None:
    if report is None:
        if attempt.asked_for("report"):
            return None
        prompt = prompts.ask_for_report()
        return Assessment(Verdict.CONTINUE, "The report is missing or broken.", score, "report", prompt)
    if report.remaining:
        reason = f"{len(report.remaining)} reported as remaining: {report.remaining[0][:200]}"
        complaint = f"remaining {sorted(' '.join(line.lower().split()) for line in report.remaining)}"[:2000]
        return Assessment(Verdict.CONTINUE, reason, score, "work", prompts.ask_to_continue(report), complaint)
    if report.tests is not None and report.tests.failed:
        counts = f"{report.tests.failed} of {report.tests.run} tests fail."
        return Assessment(Verdict.FIX, counts, score, "fix", prompts.ask_to_fix(report), counts)
    if (report.tests is None or report.tests.run == 0) and not attempt.asked_for("tests"):
        return Assessment(Verdict.TEST, "No tests were reported.", score, "tests", prompts.ask_for_tests())
    return None


def _quality(s: Snapshot, score: Score) -> Assessment | None:
    threshold = s.options.quality_threshold
    if score.value is None or score.value >= threshold:
        return None
    if not score.weak:
        reason = f"The score {score.value} is below {threshold}, and the agent can better none of it."
        return Assessment(Verdict.GIVE_UP, reason, score)
    reason = f"The score {score.value} is below {threshold}."
    prompt = prompts.ask_to_improve(score.value, threshold, score.weak)
    return Assessment(Verdict.FIX, reason, score, "quality", prompt, f"quality {score.value} {sorted(score.weak)}")


def _passed(s: Snapshot, attempt: Attempt, run: RunFacts, score: Score) -> Assessment:
    reason = _accepted(attempt, run)
    if s.options.reviewer:
        return Assessment(Verdict.REVIEW, f"{reason} A reviewer is to look at it.", score)
    return Assessment(Verdict.COMPLETE, reason, score)


def _accepted(attempt: Attempt, run: RunFacts) -> str:
    if run.report is None:
        return "The agent gave no report, though asked once; what it did is unknown."
    facts = host_facts(attempt, run)
    return "Nothing remains, nothing fails" + (", the checks passed." if facts and facts.checks == "passed" else ".")
