"""Whether an action makes sense for an agent as it stands: one rule for one agent and for a thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cursor_monitor.domain.fleet import BulkAction
from cursor_monitor.store import agents, tables

_NOT_THERE = "There is no such agent at Cursor: it was not launched, or it is deleted."
_OWNED = "An orchestration still works with this agent; cancel or finish that first."


@dataclass(frozen=True, slots=True)
class Standing:
    """An agent, and what else decides whether it can be acted on."""

    agent: tables.Agent
    is_owned: bool  # an orchestration that has not ended works with it
    has_pending: bool  # a follow-up waits to be sent

    @property
    def stops_before_launch(self) -> bool:
        """True where nothing has been asked of Cursor yet."""
        return self.agent.launch_status == "requested" and self.agent.origin == "person"


def load(session: Session, ids: Sequence[str], *, lock: bool = True) -> dict[str, Standing]:
    """The agents among these ids that are known; with `lock`, their rows are held until the transaction ends."""
    found = agents.select_many(session, ids, lock=lock)
    known = [agent.id for agent in found]
    owned = agents.select_owned(session, known)
    pending = agents.select_awaiting_followup(session, known)
    return {a.id: Standing(a, a.id in owned, a.id in pending) for a in found}


def why_not(action: BulkAction, standing: Standing) -> str | None:
    """Why the action makes no sense now, in words for a person; None where it does."""
    match action:
        case BulkAction.FOLLOWUP:
            return _why_no_followup(standing)
        case BulkAction.STOP:
            return _why_no_stop(standing)
        case BulkAction.ARCHIVE | BulkAction.UNARCHIVE | BulkAction.DELETE:
            return _why_no_change(action, standing)
        case _:
            return None


def _why_no_followup(standing: Standing) -> str | None:
    agent = standing.agent
    if agent.launch_status != "launched" or agent.agent_status in ("ARCHIVED", "DELETED"):
        return "The agent takes no follow-ups: it was not launched, or it is archived or deleted."
    if standing.is_owned:
        return "An orchestration still works with this agent; follow up on its task."
    if standing.has_pending:
        return "A follow-up to this agent is still waiting to be sent."
    return None


def _why_no_stop(standing: Standing) -> str | None:
    agent = standing.agent
    if standing.stops_before_launch or (agent.is_working and agent.latest_run_id):
        return None
    return "The agent is not working, so there is nothing to stop."


def _why_no_change(action: BulkAction, standing: Standing) -> str | None:
    agent = standing.agent
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        return _NOT_THERE
    if action is BulkAction.UNARCHIVE:
        return None if agent.agent_status == "ARCHIVED" else "The agent is not archived."
    if action is BulkAction.ARCHIVE and agent.agent_status == "ARCHIVED":
        return "The agent is already archived."
    if agent.is_working:
        return "The agent is working; stop it first."
    return _OWNED if standing.is_owned else None
