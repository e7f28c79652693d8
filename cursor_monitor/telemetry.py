"""The one place that knows OpenTelemetry's SDK; imported only where traces are on."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status


def build_provider(endpoint: str, part: str, version: str, seconds: float) -> TracerProvider:
    """Sends spans to a collector in batches; OTEL_EXPORTER_OTLP_HEADERS and OTEL_TRACES_SAMPLER work as documented."""
    name = {"service.name": "cursor-monitor", "service.namespace": part, "service.version": version}
    sending = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=seconds)
    # No events of spans: the pages' framework would write exceptions into them, and what they say.
    made = TracerProvider(resource=Resource.create(name), span_limits=SpanLimits(max_events=0))
    made.add_span_processor(BatchSpanProcessor(Discreet(sending)))
    return made


class Discreet(SpanExporter):
    """Passes spans on without the words of their failures, which may be those of people or agents."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        for span in spans:
            span._status = Status(span.status.status_code)
        return self._inner.export(spans)

    def shutdown(self) -> None:
        """Close the connection."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is left."""
        return self._inner.force_flush(timeout_millis)
