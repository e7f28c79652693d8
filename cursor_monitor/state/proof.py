"""The proof of quality of one orchestration, as its page shows it; what is not known is said to be unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.queries.proof import AgentProof, DecisionProof, Evidence, Proof, TaskProof, get_proof
from cursor_monitor.queries.proof_text import safe_url
from cursor_monitor.state.live import LiveMixin

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FactView:
    """A label and what it says."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ProofAgentView:
    """One agent of a task."""

    agent_id: str
    role: str
    status: str
    facts: list[FactView] = field(default_factory=list)
    lines: list[FactView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProofTaskView:
    """One task and its evidence."""

    key: str
    title: str
    status: str
    quality: str
    reason: str
    branch: str
    pr_url: str
    evidence: list[FactView] = field(default_factory=list)
    agents: list[ProofAgentView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision."""

    seq: int
    message: str
    evidence: str
    created_at: datetime


class ProofState(LiveMixin, rx.State):
    """What the page shows."""

    orchestration: str = ""
    name: str = ""
    status: str = ""
    prompt: str = ""
    is_final: bool = False
    facts: list[FactView] = []
    unknown: list[str] = []
    costs: list[FactView] = []
    tasks: list[ProofTaskView] = []
    decisions: list[DecisionView] = []
    has_older: bool = False
    export: str = ""
    markdown: str = ""
    _shown_id: str = ""

    def _topic(self) -> str:
        return live.orchestration_topic(self._id())

    def _query(self) -> Callable[[], Any]:
        if self._shown_id != self._id():
            self._shown_id, self.is_loaded = self._id(), False
        return partial(get_proof, self._id())

    def _show(self, result: Proof) -> None:
        self.orchestration, self.name, self.status = result.id, result.name, result.status
        self.prompt, self.is_final = result.prompt, result.is_final
        self.facts, self.costs = _facts(result), _costs(result)
        self.unknown = list(result.unknown)
        self.tasks = [_task(task) for task in result.tasks]
        if result.planner:
            agents = [_agent(agent) for agent in result.planner]
            self.tasks.append(ProofTaskView("@planner", "Plan the work", "", "", "", "", "", [], agents))
        self.decisions = [_decision(decision) for decision in result.decisions]
        self.has_older = result.has_older_decisions
        self.export = f"{routes.API}/orchestrations/{result.id}/proof"
        self.markdown = f"{self.export}.md"

    def _id(self) -> str:
        return str(self.router.url.path).removesuffix("/").removesuffix("/proof").rpartition("/")[2]


def _facts(p: Proof) -> list[FactView]:
    return [
        FactView("Quality", _quality(p.quality_score, p.quality_coverage)),
        FactView("Repository", p.repository),
        FactView("Base", p.ref or "the default branch"),
        FactView("Mode", p.mode),
        FactView("Model", p.model or "Cursor's default"),
        FactView("Asked for by", p.created_by),
        FactView("Plan from", p.plan_source or _UNKNOWN),
        FactView("Approved by", p.approved_by or "nobody, for none was asked"),
        FactView("Started", _time(p.started_at)),
        FactView("Ended", _time(p.completed_at)),
    ]


def _costs(p: Proof) -> list[FactView]:
    t = p.totals
    cents = _UNKNOWN if t.cents is None else f"{t.cents:.2f} cents"
    tests = _UNKNOWN if t.tests_run is None else f"{t.tests_passed} of {t.tests_run} passed, by the agents' word"
    rows = [
        FactView("Agents", f"{t.agents}, of them {t.reviewers} reviewers"),
        FactView("Follow-ups", str(t.followups)),
        FactView("Tests", tests),
        FactView("Cost", cents if not t.cents_unknown else f"{cents}; of {t.cents_unknown} agents not known"),
    ]
    limits = [b for b in p.budgets if b.allowed is not None]
    return rows + [FactView(b.name.replace("_", " "), f"{b.used:g} of {b.allowed:g}") for b in limits]


def _task(t: TaskProof) -> ProofTaskView:
    return ProofTaskView(
        key=t.key,
        title=f"{t.title} (candidate for {t.candidate_of})" if t.candidate_of else t.title,
        status=t.status,
        quality=_quality(t.quality_score, t.quality_coverage),
        reason=f"Kept {t.kept}: {t.kept_reason}" if t.kept else t.reason or t.error_message or "",
        branch=t.branch or "",
        pr_url=safe_url(t.pr_url),
        evidence=[FactView(e.part, _share(e)) for e in t.evidence],
        agents=[_agent(agent) for agent in t.agents],
    )


def _agent(a: AgentProof) -> ProofAgentView:
    facts = [
        FactView("Model", a.model or "Cursor's default"),
        FactView("Runs", f"{a.runs}, follow-ups {len(a.followups)}"),
        FactView("Cost", _UNKNOWN if a.cents is None else f"{a.cents:.2f} cents"),
    ]
    if a.role == "work":
        facts.append(FactView("Tests", _tests(a)))
    facts.append(FactView("Checks", a.code_host.checks if a.code_host else _UNKNOWN))
    if a.error_message:
        facts.append(FactView("Error", a.error_message))
    return ProofAgentView(a.agent_id, a.role, a.status, facts, _lines(a))


def _lines(a: AgentProof) -> list[FactView]:
    lines: list[FactView] = []
    if a.report:
        lines += [FactView("done", line) for line in a.report.done]
        lines += [FactView("remaining", line) for line in a.report.remaining]
        lines += [FactView("file", line) for line in a.report.files]
    if a.review:
        lines.append(FactView("verdict", "approved" if a.review.is_approved else "changes asked for"))
        lines += [FactView("finding", line) for line in a.review.findings]
    return lines


def _tests(a: AgentProof) -> str:
    tests = a.report.tests if a.report else None
    return f"{tests.passed} of {tests.run} passed" if tests else _UNKNOWN


def _decision(d: DecisionProof) -> DecisionView:
    evidence = ", ".join(f"{e.part} {_share(e)}" for e in d.evidence)
    return DecisionView(d.seq, d.message, evidence, d.created_at)


def _share(e: Evidence) -> str:
    return _UNKNOWN if e.share is None else f"{e.share:.0%}"


def _quality(value: int | None, coverage: int | None) -> str:
    return _UNKNOWN if value is None else f"{value} of 100, from {coverage or 0} % of the evidence"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "not yet"
