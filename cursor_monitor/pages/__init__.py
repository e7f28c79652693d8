"""Importing a page registers it."""

from cursor_monitor.pages import (
    agent,
    agents,
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
    "agent",
    "agents",
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
