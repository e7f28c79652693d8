"""One trace from a program's request over the jobs to the call to Cursor, as a collector gets it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from cursor_monitor import tracing
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as queries
from cursor_monitor.services.startup import begin_tracing
from cursor_monitor.settings import Settings
from tests.integration.api.client import Client
from tests.integration.api.conftest import edge_app
from tests.support.receivers import Hooks, receiving_hooks
from tests.support.stage import Stage

FROM = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KEY = "crsr_of_the_trace"
PROMPT = "Mend the secret door."


@pytest.fixture
def collector() -> Iterator[Hooks]:
    with receiving_hooks() as hooks:
        begin_tracing(Settings(otlp_endpoint=hooks.url), "test")
        yield hooks
        tracing.stop_tracing()


def sent(collector: Hooks) -> list[Span]:
    """All that came, once the rest of it is sent."""
    tracing.stop_tracing()
    assert {path for path, _, _ in collector.came} == {"/v1/traces"}
    batches = [ExportTraceServiceRequest.FromString(body) for _, _, body in collector.came]
    return [s for batch in batches for of in batch.resource_spans for scope in of.scope_spans for s in scope.spans]


async def test_a_trace_leads_from_the_request_to_the_call_and_tells_no_words(database: str, collector: Hooks) -> None:
    stage = Stage()
    pump = stage.pump(KEY)
    answer = await asyncio.to_thread(
        Client(edge_app()).post,
        "/api/cloud-agents/agents",
        json={"prompt": PROMPT, "repository": "acme/web"},
        headers={"traceparent": FROM},
    )
    assert answer.status_code == 202, answer.text
    agent_id = answer.json()["id"]
    await stage.fault(effect="status", status=503, body={"error": f"{PROMPT} {KEY}"}, method="POST", path="/v1/agents")
    await pump.run_due(JobKind.LAUNCH_AGENT)
    await stage.behave()
    await stage.until(pump, lambda: queries.get_agent(agent_id).agent.state == "finished")
    spans = {span.span_id: span for span in sent(collector)}
    of_trace = [span for span in spans.values() if span.trace_id.hex() == FROM.split("-")[1]]
    names = {span.name for span in of_trace}
    assert {"POST api/agents", "job launch_agent", "cursor POST /v1/agents"} <= names
    (created, *_) = [span for span in of_trace if span.name == "cursor POST /v1/agents"]
    launched = spans[created.parent_span_id]
    requested = spans[launched.parent_span_id]
    assert [launched.name, requested.name, requested.parent_span_id.hex()] == [
        "job launch_agent",
        "POST api/agents",
        FROM.split("-")[2],
    ]
    facts = {fact.key: fact.value.string_value for fact in launched.attributes}
    assert facts["agent_id"] == agent_id
    looked = [span for span in of_trace if span.name == "job observe_agent"]
    assert looked, "what a job asks for later belongs to the trace too"
    told = b"".join(body for _, _, body in collector.came)
    for word in (PROMPT, KEY, "secret door"):
        assert word.encode() not in told


async def test_a_failure_is_told_without_its_words(collector: Hooks) -> None:
    with pytest.raises(ValueError, match="sesame"), tracing.span("outer"), tracing.span("inner"):
        raise ValueError("open sesame")
    inner, outer = sorted(sent(collector), key=lambda span: span.name)
    assert inner.parent_span_id == outer.span_id
    assert inner.status.code == Status.STATUS_CODE_ERROR
    assert (inner.status.message, list(inner.events)) == ("", [])


def test_where_traces_are_off_nothing_of_them_is_loaded_or_carried() -> None:
    with tracing.span("nothing") as told:
        told.note({"a": 1})
        assert (tracing.carried(), tracing.trace_id()) == ({}, None)
    loads = "import sys, worker.executor, cursor_monitor.cursor.wire; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", loads], text=True).split()
    assert not [name for name in modules if name.startswith("opentelemetry")]
