"""Words and fields nobody has seen before, put into answers by a fault rule."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from cursor_monitor.simulator.wire import sim_of

Json = dict[str, Any]


def altered(request: Request, body: Json) -> Json:
    """The body, changed where a rule `unknown_status` or `unknown_field` strikes."""
    sim, method, path = sim_of(request), request.method, request.scope["path"]
    rule = sim.faults.take({"unknown_status"}, method, path)
    if rule:
        _each(body, lambda item: item.update(status=rule.settings.get("status", "HIBERNATING")))
    if sim.faults.take({"unknown_field"}, method, path):
        _each(body, lambda item: item.update(futureField={"since": "tomorrow"}))
    return body


def _each(body: Json, change: Any) -> None:
    objects = [body, *body.get("items", ()), *body.get("agents", ()), body.get("agent"), body.get("run")]
    for item in objects:
        if isinstance(item, dict) and "status" in item:
            change(item)
