"""Traces from click to agent, as an option: where they are off, nothing of OpenTelemetry is imported.

A span tells what was done, of which kind, by which ids and with what end; never a prompt, an answer or a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol

Facts = Mapping[str, str | int | float | bool | None]
Kind = Literal["internal", "server", "consumer", "client"]

TRACEPARENT = "traceparent"  # the name under which W3C Trace Context has a trace travel

_EXPORT_SECONDS = 5.0


class Span(Protocol):
    """What is being done, to be told more of."""

    def note(self, facts: Facts) -> None:
        """Add what is known by now."""
        ...


class _Nothing:
    def note(self, facts: Facts) -> None:
        return None


class _Noting:
    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, facts: Facts) -> None:
        self._span.set_attributes(_known(facts))


_NOTHING = _Nothing()
_tracer: Any = None
_provider: Any = None


def start_tracing(endpoint: str, part: str, version: str) -> Any:
    """Send the traces of this process, a part of the product, to a collector; returns the provider of tracers."""
    global _tracer, _provider
    from cursor_monitor.telemetry import build_provider

    _provider = build_provider(endpoint, part, version, _EXPORT_SECONDS)
    _tracer = _provider.get_tracer("cursor-monitor", version)
    return _provider


def stop_tracing() -> None:
    """Send what is left, for a few seconds at most."""
    global _tracer, _provider
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None


def is_tracing() -> bool:
    """True where somebody wants traces."""
    return _tracer is not None


@contextmanager
def span(name: str, kind: Kind = "internal", facts: Facts | None = None, parent: object = None) -> Iterator[Span]:
    """What is done within the block, below `parent` where that is a traceparent, else below what goes on already."""
    if _tracer is None:
        yield _NOTHING
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    with _tracer.start_as_current_span(
        name,
        context=_context(parent),
        kind=SpanKind[kind.upper()],
        attributes=_known(facts or {}),
        record_exception=False,  # its message may hold what people wrote
        set_status_on_exception=False,
    ) as made:
        try:
            yield _Noting(made)
        except BaseException as error:
            made.set_attributes({"error.type": type(error).__name__})
            made.set_status(Status(StatusCode.ERROR))
            raise


def carried() -> dict[str, str]:
    """What work that is done later has to bring along, to appear below what goes on now."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return {TRACEPARENT: found[TRACEPARENT]} if TRACEPARENT in found else {}


def trace_id() -> str | None:
    """The trace that goes on, as log lines name it."""
    traceparent = carried().get(TRACEPARENT)
    return traceparent.split("-")[1] if traceparent else None


def _context(parent: object) -> Any:
    if not isinstance(parent, str):
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({TRACEPARENT: parent})


def _known(facts: Facts) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
