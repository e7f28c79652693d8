"""A finished run and its evidence in, a verdict with its reason out."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.domain.orchestration import Attempt, Options, RunFacts
from cursor_monitor.domain.status import Verdict
from cursor_monitor.engine import prompts
from cursor_monitor.engine.score import Score, score_run


@dataclass(frozen=True, slots=True)
class Assessment:
    """What to make of a run; `asks` and `prompt` where the agent is told to go on."""

    verdict: Verdict
    reason: str
    score: Score
    asks: str | None = None
    prompt: str | None = None


def assess(attempt: Attempt, run: RunFacts, options: Options) -> Assessment:
    """Decide about a FINISHED run from evidence only; going on is refused once the follow-ups are used up."""
    score = score_run(run.report, iterations=attempt.iterations, max_iterations=options.max_iterations)
    wanted = _wanted(attempt, run, options, score)
    if wanted.prompt is None or attempt.iterations < options.max_iterations:
        return wanted
    used = f"{attempt.iterations} follow-up{'s' if attempt.iterations != 1 else ''}"
    return Assessment(Verdict.GIVE_UP, f"{wanted.reason} All {used} are used.", score)


def _wanted(attempt: Attempt, run: RunFacts, options: Options, score: Score) -> Assessment:
    report = run.report
    if report is None:
        if attempt.asked_for("report"):
            reason = "The agent gave no report, though asked once; what it did is unknown."
            return Assessment(Verdict.COMPLETE, reason, score)
        return Assessment(
            Verdict.CONTINUE, "The report is missing or broken.", score, "report", prompts.ask_for_report()
        )
    if report.remaining:
        reason = f"{len(report.remaining)} reported as remaining: {report.remaining[0][:200]}"
        return Assessment(Verdict.CONTINUE, reason, score, "work", prompts.ask_to_continue(report))
    if report.tests is not None and report.tests.failed:
        reason = f"{report.tests.failed} of {report.tests.run} tests fail."
        return Assessment(Verdict.FIX, reason, score, "fix", prompts.ask_to_fix(report))
    if (report.tests is None or report.tests.run == 0) and not attempt.asked_for("tests"):
        return Assessment(Verdict.TEST, "No tests were reported.", score, "tests", prompts.ask_for_tests())
    if score.value is not None and score.value < options.quality_threshold and score.weak:
        reason = f"The score {score.value} is below {options.quality_threshold}."
        prompt = prompts.ask_to_improve(score.value, options.quality_threshold, score.weak)
        return Assessment(Verdict.FIX, reason, score, "quality", prompt)
    if score.value is not None and score.value < options.quality_threshold:
        reason = f"The score {score.value} is below {options.quality_threshold}, and the agent can better none of it."
        return Assessment(Verdict.GIVE_UP, reason, score)
    return Assessment(Verdict.COMPLETE, "Nothing remains, nothing fails.", score)
