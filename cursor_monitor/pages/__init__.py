"""Importing a page registers it."""

from cursor_monitor.pages import (
    access,
    agent,
    agents,
    audit,
    health,
    new_agent,
    new_orchestration,
    notifications,
    orchestration,
    orchestrations,
    overview,
    profiles,
    proof,
    queue,
    search,
    settings,
)

__all__ = [
    "access",
    "agent",
    "agents",
    "audit",
    "health",
    "new_agent",
    "new_orchestration",
    "notifications",
    "orchestration",
    "orchestrations",
    "overview",
    "profiles",
    "proof",
    "queue",
    "search",
    "settings",
]
