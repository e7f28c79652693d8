"""What works and what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from cursor_monitor.api import schemas
from cursor_monitor.api.deps import MAX_ROW_ID, Filter, Limit, errors
from cursor_monitor.queries import health as queries
from cursor_monitor.queries.page import Page

router = APIRouter(prefix="/health", tags=["health"])

# Health is public: a fact is shown only if it is known to hold no host, address, name or secret.
_PUBLIC_NUMBERS = (
    "online",
    "heartbeat_age_seconds",
    "depth",
    "scheduled",
    "dead_letters",
    "oldest_due_seconds",
    "used",
    "rate_per_minute",
    "budget",
    "budget_remaining",
    "pace_percent",
    "observed_limit",
    "observed_remaining",
    "requests",
    "unchanged",
    "refused",
)
_PUBLIC_TIMES = ("since", "ok_at", "error_at", "budget_reset_at", "blocked_until", "observed_reset_at")
_CURSOR_MESSAGES = {
    "ok": "Answers.",
    "degraded": "The last call failed.",
    "unknown": "Not called yet, or not known while the database is out.",
}

Before = Annotated[int | None, Query(ge=1, le=MAX_ROW_ID, description="`next_cursor` of the page before.")]


@router.get(
    "",
    response_model=schemas.Health,
    responses={500: errors()[500], 503: {"model": schemas.Health, "description": "The database is out."}},
)
def get_health(response: Response) -> Any:
    """Each part's status and facts; 503 when the database is out."""
    health = queries.get_health()
    response.headers["Cache-Control"] = "no-store"
    if health.status == "down":
        response.status_code = 503
    components = {component.name: _public(component) for component in health.components}
    return {"status": health.status, "version": health.version, "components": components}


@router.get("/events", response_model=schemas.Listing[schemas.HealthEvent], responses=errors())
def list_health_events(
    service: Filter = None, cursor: Before = None, limit: Limit = 50
) -> Page[queries.HealthEventRow]:
    """Heartbeats of workers and changes of parts, the newest first."""
    return queries.list_health_events(service=service, before=cursor, limit=limit)


def _public(component: queries.Component) -> dict[str, Any]:
    facts = component.facts
    shown: dict[str, Any] = {name: facts[name] for name in _PUBLIC_NUMBERS if name in facts}
    shown |= {name: _in_utc(facts[name]) for name in _PUBLIC_TIMES if name in facts}
    message = component.message
    if component.name == "cursor_api":
        message = _CURSOR_MESSAGES.get(component.status, "Does not answer.")
    return {**shown, "status": component.status, "message": message}


def _in_utc(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)
