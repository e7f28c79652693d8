"""What the command palette finds: orchestrations and agents by a few letters of their name, repository or id."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from cursor_monitor import routes
from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.fleet import FleetFilter
from cursor_monitor.queries.agents import AgentRow, get_agent
from cursor_monitor.queries.fleet import list_agents
from cursor_monitor.queries.orchestrations import get_orchestration, list_orchestrations

LEAST_LETTERS = 2
MOST_LETTERS = 200
_MOST = 6
_NAME_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that can be gone to."""

    id: str
    name: str
    status: str
    where: str  # its repository
    href: str


@dataclass(frozen=True, slots=True)
class Found:
    """What fits, the newest first."""

    orchestrations: tuple[Hit, ...] = ()
    agents: tuple[Hit, ...] = ()


def find(wanted: str) -> Found:
    """The newest few of each kind that fit; nothing for less than two letters."""
    q = wanted.strip()[:MOST_LETTERS].replace("\x00", "")
    if len(q) < LEAST_LETTERS:
        return Found()
    return _by_id(q) or Found(
        tuple(
            _hit(row.id, row.name, row.status, row.repository, routes.orchestration(row.id))
            for row in list_orchestrations(q=q, limit=_MOST).items
        ),
        tuple(_agent(row) for row in list_agents(FleetFilter(q=q), limit=_MOST).items),
    )


def _by_id(q: str) -> Found | None:
    with contextlib.suppress(NotFound):
        row = get_orchestration(q)
        return Found((_hit(row.id, row.name, row.status, row.repository, routes.orchestration(row.id)),))
    with contextlib.suppress(NotFound):
        return Found((), (_agent(get_agent(q).agent),))
    return None


def _agent(row: AgentRow) -> Hit:
    return _hit(row.id, row.name or row.id, row.state, row.repository, routes.agent(row.id))


def _hit(key: str, name: str, status: str, repository: str | None, href: str) -> Hit:
    where = (repository or "").removeprefix("https://").removeprefix("github.com/")
    return Hit(key, name[:_NAME_SHOWN], status, where, href)
