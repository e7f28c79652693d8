"""What may stand on the board: bounded reads, each from an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlmodel import Session

_CARD = """o.id::text AS id, o.name, o.status, o.repository, o.error_summary AS reason, o.tasks_total,
       o.tasks_completed, o.active_agents, o.created_at, o.updated_at, o.completed_at AS ended_at"""

_DAY = "statement_timestamp() - interval '24 hours'"  # clock_timestamp() is volatile: no index would be read by it


# By status, so that thousands of one do not hide the few of another; each named in the text, so that the planner knows
# how rare it is and does not look for the few by walking all there are.
def _each(query: str, *words: str) -> str:
    return " UNION ALL ".join(f"({query.replace('$', repr(word))})" for word in words)


_LIVE = text(f"""
SELECT {_CARD}, w.reason AS no_slot
FROM ({
    _each(
        "SELECT * FROM orchestrations WHERE status = $ ORDER BY id DESC LIMIT :most",
        *("waiting", "blocked", "running", "queued", "paused"),
    )
}) o LEFT JOIN slot_waits w ON w.orchestration_id = o.id
""")  # noqa: S608

_ENDED = text(f"""
SELECT {_CARD}, NULL AS no_slot
FROM ({
    _each(
        f"SELECT * FROM orchestrations WHERE status = $ AND completed_at > {_DAY}"
        " ORDER BY completed_at DESC LIMIT :most",
        *("error", "partial", "completed", "stopped"),
    )
}) o
""")  # noqa: S608

_NAMED = text(f"""
SELECT {_CARD}, NULL AS no_slot FROM orchestrations o WHERE o.id = ANY(:ids) AND o.status = 'completed'
""")  # noqa: S608

# Only of the newest try at each task: what an earlier one left open is nobody's work any more.
_OPEN_PULLS = text("""
SELECT a.orchestration_id, a.id AS agent_id, a.origin
FROM (SELECT agent_id, changed_at FROM code_host_states WHERE pr_state IN ('open', 'draft')
      ORDER BY changed_at DESC LIMIT :most) s
JOIN agents a ON a.id = s.agent_id
WHERE a.shelf = 'current'
""")

_PULLS = text("""
SELECT t.orchestration_id::text AS owner, coalesce(s.pr_url, t.pr_url) AS url, s.pr_state AS state,
       coalesce(s.checks_summary, 'unknown') AS checks, s.mergeable
FROM orchestration_tasks t LEFT JOIN code_host_states s ON s.agent_id = t.agent_id
WHERE t.orchestration_id = ANY(:orchestrations) AND coalesce(s.pr_url, t.pr_url) IS NOT NULL
UNION ALL
SELECT a.id, coalesce(s.pr_url, a.pr_url), s.pr_state, coalesce(s.checks_summary, 'unknown'), s.mergeable
FROM agents a LEFT JOIN code_host_states s ON s.agent_id = a.id
WHERE a.id = ANY(:agents) AND coalesce(s.pr_url, a.pr_url) IS NOT NULL
""")

_AGENT = """a.id, coalesce(a.name, a.id) AS name, a.state, a.repository, a.error_message AS reason, a.created_at,
       a.active_at AS ended_at"""

_AGENTS = text(f"""
SELECT {_AGENT} FROM ({
    _each(
        "SELECT * FROM agents WHERE state = $ AND origin <> 'orchestration' AND shelf = 'current'"
        " ORDER BY created_at DESC LIMIT :most",
        *("blocked", "queued", "working"),
    )
}) a
UNION ALL
SELECT {_AGENT} FROM (
    SELECT * FROM agents WHERE active_at > {_DAY} AND origin <> 'orchestration'
    AND state IN ('failed', 'finished', 'cancelled') AND shelf = 'current' ORDER BY active_at DESC LIMIT :most) a
UNION ALL
SELECT {_AGENT} FROM agents a
WHERE a.id = ANY(:ids) AND a.state = 'finished' AND a.active_at <= {_DAY}
""")  # noqa: S608


def select_orchestrations(session: Session, most: int) -> Sequence[RowMapping]:
    """Those under way and those of the last day, at most so many of each status."""
    live = session.connection().execute(_LIVE, {"most": most}).mappings().all()
    return [*live, *session.connection().execute(_ENDED, {"most": most}).mappings()]


def select_open_pulls(session: Session, most: int) -> Sequence[RowMapping]:
    """The agents whose pull request is open, those that changed last first."""
    return session.connection().execute(_OPEN_PULLS, {"most": most}).mappings().all()


def select_completed(session: Session, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Those of these orchestrations that are completed."""
    return session.connection().execute(_NAMED, {"ids": list(ids)}).mappings().all() if ids else []


def select_agents(session: Session, ids: Sequence[str], most: int) -> Sequence[RowMapping]:
    """Agents of no orchestration: those under way, those of the last day, and these."""
    return session.connection().execute(_AGENTS, {"ids": list(ids), "most": most}).mappings().all()


def select_pulls(session: Session, orchestrations: Sequence[str], agents: Sequence[str]) -> Sequence[RowMapping]:
    """The pull requests of these orchestrations' newest agents and of these agents."""
    values: dict[str, Any] = {"orchestrations": [UUID(one) for one in orchestrations], "agents": list(agents)}
    return session.connection().execute(_PULLS, values).mappings().all()
