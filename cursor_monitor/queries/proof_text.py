"""The proof of quality as Markdown that can be kept; what agents and people wrote is text in it and never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from cursor_monitor.queries.proof import AgentProof, DecisionProof, Evidence, Proof, TaskProof

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$@:])")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#%@!$&+,;=-]{1,500}")
_LINE = 2_000
_BLOCK = 100_000


def as_markdown(proof: Proof) -> str:
    """The whole document."""
    return "\n".join((*_head(proof), *_plan(proof), *_tasks(proof), *_cost(proof), *_decisions(proof))) + "\n"


def plain(text: str) -> str:
    """One line of text, with nothing in it that Markdown or HTML would take for markup."""
    line = _CONTROLS.sub(" ", text)[:_LINE]
    return _MARKUP.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")


def block(text: str) -> str:
    """Text as it is, in a fence longer than any in it."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text[:_BLOCK]}\n{fence}"


def safe_url(url: str | None) -> str:
    """The address where it is one that a link may have; else nothing."""
    return url if url and _SAFE_URL.fullmatch(url) else ""


def link(url: str | None) -> str:
    """A link where the address is one, else text."""
    if not url:
        return "unknown"
    return f"<{url}>" if safe_url(url) else plain(url)


def _head(p: Proof) -> Iterator[str]:
    yield f"# Proof of quality: {plain(p.name)}"
    yield ""
    final = "" if p.is_final else " (not over: this is how things stand)"
    yield f"- Status: **{p.status}**{final}"
    yield f"- Quality: {_score(p.quality_score, p.quality_coverage)}"
    if p.error_summary:
        yield f"- Said of its end: {plain(p.error_summary)}"
    yield f"- Repository: {link(p.repository)}, from {plain(p.ref) if p.ref else 'the default branch'}"
    yield f"- Mode: {p.mode}; model: {_model(p.model)}"
    yield f"- Asked for by {plain(p.created_by)} at {p.created_at.isoformat()}"
    yield f"- Started: {_time(p.started_at)}; ended: {_time(p.completed_at)}"
    yield f"- Orchestration {p.id}, as of event {p.last_seq} at {p.as_of.isoformat()}"
    yield ""
    yield "## What is not known"
    yield ""
    yield from [f"- {plain(line)}" for line in p.unknown] or ["Nothing that this document tells of."]
    yield ""
    yield "## What was asked"
    yield ""
    yield block(p.prompt)
    yield ""


def _plan(p: Proof) -> Iterator[str]:
    yield "## What was planned"
    yield ""
    yield f"The plan is from: {p.plan_source or 'unknown'}; approved by {_or_nobody(p.approved_by)}."
    yield ""
    yield "| Task | Title | After | Status | Quality |"
    yield "|---|---|---|---|---|"
    for t in p.tasks:
        score = _score(t.quality_score, t.quality_coverage)
        after = plain(", ".join(t.depends_on)) or "-"
        yield f"| {plain(t.key)} | {plain(t.title)} | {after} | {t.status} | {score} |"
    yield ""


def _tasks(p: Proof) -> Iterator[str]:
    yield "## What was done"
    yield ""
    for task in p.tasks:
        yield from _task(task)
    if p.planner:
        yield "### The planner"
        yield ""
        for agent in p.planner:
            yield from _agent(agent)


def _task(t: TaskProof) -> Iterator[str]:
    yield f"### {plain(t.key)}: {plain(t.title)}"
    yield ""
    yield f"- Status: **{t.status}**; quality: {_score(t.quality_score, t.quality_coverage)}"
    yield f"- Branch: {plain(t.branch) if t.branch else 'unknown'}; pull request: {link(t.pr_url)}"
    yield f"- Started: {_time(t.started_at)}; ended: {_time(t.completed_at)}"
    if t.error_message:
        yield f"- Why: {plain(t.error_message)}"
    if t.candidate_of:
        yield f"- A candidate for {plain(t.candidate_of)}"
    if t.kept:
        yield f"- Kept {plain(t.kept)}: {plain(t.kept_reason or '')}"
    if t.reason:
        yield f"- The last decision: {plain(t.reason)}"
    if t.evidence:
        yield f"- Evidence: {_shares(t.evidence)}"
    yield ""
    for agent in t.agents:
        yield from _agent(agent)


def _agent(a: AgentProof) -> Iterator[str]:
    yield f"#### Agent {a.number} ({plain(a.role)}): {plain(a.agent_id)}"
    yield ""
    followups = f" (asked for: {plain(', '.join(a.followups))})" if a.followups else ""
    yield f"- Model: {_model(a.model)}; {a.status}; runs: {a.runs}; follow-ups: {len(a.followups)}{followups}"
    yield f"- Cost: {'unknown' if a.cents is None else f'{a.cents:.2f} cents'}"
    if a.error_message:
        yield f"- Error: {plain(a.error_message)}"
    yield from _report(a)
    if a.review:
        yield f"- Its verdict: {'approved' if a.review.is_approved else 'changes asked for'}"
        yield from [f"  - {plain(line)}" for line in a.review.findings]
    host = a.code_host
    if host is None:
        yield "- Code host: unknown"
    else:
        red = f", red: {plain(', '.join(host.failed_checks))}" if host.failed_checks else ""
        green = f", green: {plain(', '.join(host.passed_checks))}" if host.passed_checks else ""
        pull = plain(host.pr_state or "no pull request")
        yield f"- Code host: {pull}; checks {host.checks}{green}{red}; files changed: {_number(host.changed_files)}"
    yield ""


def _report(a: AgentProof) -> Iterator[str]:
    if a.role == "review":
        return
    if a.report is None:
        yield "- Its report: unknown"
        return
    tests = a.report.tests
    counts = f"{tests.passed} of {tests.run} passed, {tests.failed} failed" if tests else "unknown"
    sure = "unknown" if a.report.confidence is None else f"{a.report.confidence:.0%}"
    yield f"- By its own report: tests {counts}; confidence {sure}"
    for word, lines in (("done", a.report.done), ("remaining", a.report.remaining), ("files", a.report.files)):
        yield from [f"  - {word}: {plain(line)}" for line in lines]


def _cost(p: Proof) -> Iterator[str]:
    t = p.totals
    yield "## At what cost"
    yield ""
    yield f"- Agents: {t.agents}, of them reviewers: {t.reviewers}; follow-ups: {t.followups}"
    cents = "unknown" if t.cents is None else f"{t.cents:.2f} cents"
    yield f"- Cost as Cursor tells it: {cents}; of {t.cents_unknown} agents it is not known"
    yield f"- Tests, as the agents report: {_number(t.tests_passed)} of {_number(t.tests_run)} passed"
    for budget in p.budgets:
        allowed = "no limit" if budget.allowed is None else f"{budget.allowed:g}"
        yield f"- Budget {plain(budget.name)}: {budget.used:g} used of {allowed}"
    yield ""


def _decisions(p: Proof) -> Iterator[str]:
    yield "## What was decided, and on what grounds"
    yield ""
    if p.has_older_decisions:
        yield f"The newest {len(p.decisions)}; the timeline has those before."
        yield ""
    yield from [_decision(d) for d in p.decisions]


def _decision(d: DecisionProof) -> str:
    evidence = f" Evidence: {_shares(d.evidence)}." if d.evidence else ""
    return f"- {d.created_at.isoformat()} (event {d.seq}) {plain(d.message)}{evidence}"


def _shares(evidence: Sequence[Evidence]) -> str:
    words = (f"{plain(e.part)} {'unknown' if e.share is None else f'{e.share:.0%}'}" for e in evidence)
    return ", ".join(words)


def _score(value: int | None, coverage: int | None) -> str:
    return "unknown" if value is None else f"{value} of 100, from {coverage or 0} % of the evidence"


def _model(name: str | None) -> str:
    return plain(name) if name else "Cursor's default"


def _time(moment: datetime | None) -> str:
    return moment.isoformat() if moment else "not yet"


def _number(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _or_nobody(name: str | None) -> str:
    return plain(name) if name else "nobody, for none was asked"
