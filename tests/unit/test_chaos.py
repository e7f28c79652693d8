"""The plan of a fault run: the same for the same seed, full of variety, and within what can be asked for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from chaos.history import passed_limits
from chaos.ledger import _peak
from chaos.orders import make_orders
from chaos.report import DOCUMENT, entry, keep, read_reports, render
from chaos.run import Outcome, Plan
from chaos.storm import storm
from chaos.verdict import INVARIANTS
from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan import parse_request

_MACHINE = ("processor", "cores", "memory", "kernel")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_seed_makes_the_same_orders_and_the_same_blows() -> None:
    assert make_orders("a", 40) == make_orders("a", 60)[:40] != make_orders("b", 40)
    assert [*islice(storm("a"), 50)] == [*islice(storm("a"), 50)] != [*islice(storm("b"), 50)]
    assert [blow.kind for blow in storm("a", kinds=("kill", "crash"))] == ["kill", "crash"]


def test_the_orders_can_all_be_launched_and_are_of_every_kind() -> None:
    orders = make_orders("variety", 300)
    for order in orders:
        parse_request(order.fields, Options())
    assert set(Counter(order.shape for order in orders)) == {"batch", "pipeline", "graph", "list", "planner", "single"}
    assert {control.kind for order in orders for control in order.controls} >= {"pause", "cancel", "followup"}
    assert {order.rests for order in orders} == {None, "paused", "blocked"}
    assert sum(order.tasks == 5 for order in orders) > 150


def test_a_history_that_passes_a_limit_is_told() -> None:
    options = Options(max_parallel_agents=1, max_agents=1)
    tasks = (PlanTask("a", "A", "Do a."), PlanTask("b", "B", "Do b."))
    asked = e.OrchestrationRequested(
        at=NOW, by="t", name="n", mode=Mode.BATCH, repository="r", ref=None, prompt="p", model=None,
        options=options, tasks=tasks,
    )  # fmt: skip
    made = [e.PlanMade(at=NOW, tasks=tasks, source="request"), e.OrchestrationStarted(at=NOW)]
    first, second = (
        e.AttemptRequested(
            at=NOW, task_key=key, agent_id=f"bc-{key}", number=1, name=key, prompt="p", ref=None, model=None
        )
        for key in "ab"
    )
    assert [*passed_limits("o", [asked, *made, first])] == []
    assert [*passed_limits("o", [asked, *made, first, second])] == [
        "event 5: 2 agents at once, 1 are allowed",
        "event 5: 2 of 1 max_agents",
    ]
    again = replace(first, agent_id="bc-again", number=2)
    assert any("2 agents for task a" in wrong for wrong in passed_limits("o", [
        replace(asked, options=Options(max_attempts=1)), *made, first, again
    ]))  # fmt: skip


def test_the_most_at_once_is_read_from_the_spans() -> None:
    assert _peak([("1", 1), ("3", -1), ("2", 1), ("4", -1)]) == 2
    assert _peak([("1", 1), ("2", -1), ("2", 1), ("4", -1)]) == 1


def test_a_run_is_kept_as_a_file_of_its_own_and_the_document_is_made_of_all(tmp_path: Path) -> None:
    plan = Plan("s1", orchestrations=500, workers=3)
    found = {"Replay": ["o: something else"], "No agent twice": []}
    outcome = Outcome(found, {"agents": 2500, "blows": {"kill": 41, "api": 90}}, 700.4)
    known = {"measured_at": "2026-01-01", "load_before": 0.1, "machine": dict.fromkeys(_MACHINE, "x")}
    document = tmp_path / "reliability.md"
    for seed in ("s2", "s1"):
        keep(entry(replace(plan, seed=seed), outcome, known), tmp_path / "reports", document)
    text = document.read_text()
    assert text.count(": 1 violations\n") == 2
    assert "- agents: 2,500\n- blows: kill 41, api 90\n" in text
    assert re.search(r"^\| Replay \| .* \| 1 \| 1 \|$", text, re.MULTILINE)


def test_the_document_of_the_fault_runs_is_that_of_the_kept_reports() -> None:
    reports = read_reports()
    assert DOCUMENT.read_text(encoding="utf-8") == render(reports)
    for kept in reports:
        assert kept["violations"] == {invariant.name: [] for invariant in INVARIANTS}
