"""Every address of the product: constants for the pages, builders for links."""

from __future__ import annotations

OVERVIEW = "/"
ORCHESTRATIONS = "/orchestrations"
NEW_ORCHESTRATION = "/orchestrations/new"
ORCHESTRATION = "/orchestrations/[orchestration_id]"
PROOF = "/orchestrations/[orchestration_id]/proof"
AGENTS = "/agents"
AGENT = "/agents/[agent_id]"
NEW_AGENT = "/agents/new"
SEARCH = "/search"
QUEUE = "/queue"
HEALTH = "/health"
PROFILES = "/profiles"
TEMPLATES = "/templates"
SCHEDULES = "/schedules"
SETTINGS = "/settings"
ACCESS = "/settings/access"
NOTIFICATIONS = "/settings/notifications"
AUDIT = "/audit"

API = "/api/cloud-agents"


def orchestration(orchestration_id: str) -> str:
    """The page of one orchestration."""
    return f"/orchestrations/{orchestration_id}"


def agent(agent_id: str) -> str:
    """The page of one agent."""
    return f"/agents/{agent_id}"
