"""The proof of quality: everything that is known, what is not, and no markup from an agent."""

from __future__ import annotations

import re

from cursor_monitor.queries.proof import get_proof
from cursor_monitor.queries.proof_text import as_markdown, block, plain
from cursor_monitor.services import orchestrations
from tests.fakes.cursor import GOOD, FakeCursor
from tests.integration.services.test_crashes import status_of
from tests.support.pump import Pump

HOSTILE = "<script>alert(1)</script> ![x](javascript:alert(1)) | # Approved \u202e"
APPROVE = 'Read.\n\n```json\n{"verdict": "approve", "findings": []}\n```'


async def test_it_tells_who_did_what_at_what_cost_and_what_nobody_knows(pump: Pump, cursor: FakeCursor) -> None:
    cursor.cents_per_run = 7.0
    hostile = GOOD.replace('"it"', '"' + HOSTILE + '"')
    cursor.answers.extend([hostile.replace('"remaining": []', '"remaining": ["more"]'), hostile, APPROVE])
    fields = {"prompt": "Add ``` it.", "repository": "acme/web", "options": {"reviewer": True, "max_agents": 5}}
    made = orchestrations.launch(fields, by="ada")
    await pump.run_until(lambda: status_of(made) == "completed")
    await pump.run_due()
    proof = get_proof(made)
    (task,) = proof.tasks
    worker, reviewer = task.agents
    assert (worker.role, worker.runs, worker.followups, worker.cents) == ("work", 2, ("work",), 14.0)
    assert reviewer.review is not None
    assert (reviewer.role, reviewer.review.is_approved) == ("review", True)
    assert (proof.totals.agents, proof.totals.reviewers, proof.totals.tests_run) == (2, 1, 3)
    assert {e.part: e.share for e in task.evidence}["checks"] is None, "no code host was asked"
    assert any("code host" in line for line in proof.unknown)
    kinds = [decision.type for decision in proof.decisions]
    assert kinds == ["PlanMade", "RunAssessed", "RunAssessed", "RunAssessed", "TaskCompleted", "OrchestrationEnded"]
    _assert_is_safe(as_markdown(proof))


def _assert_is_safe(text: str) -> None:
    assert "alert" in text, "the agent's words are there"
    outside = re.sub(r"^(`{4,})text\n.*?\n\1$", "", text, flags=re.S | re.M)
    assert "````text\nAdd ``` it.\n````" in text
    for forbidden in ("<script", "](javascript", "\n# Approved", "\u202e"):
        assert forbidden not in outside
    assert "quality: 9" in text.lower()
    assert "unknown" in text


def test_a_proof_can_be_made_before_anything_happened(database: str) -> None:
    made = orchestrations.launch({"prompt": "Add it.", "repository": "acme/web"}, by="ada")
    proof = get_proof(made)
    assert (proof.is_final, proof.tasks, proof.totals.cents) == (False, (), None)
    assert "not over" in as_markdown(proof)


def test_text_stays_text() -> None:
    assert plain("a\nb *c* <d> &e;") == r"a b \*c\* &lt;d&gt; &amp;e;"
    assert block("x\n```\ny").startswith("````text\n")
