"""Reading conversations: in order, and by what was said in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from cursor_monitor.domain.errors import Unavailable

Place = tuple[datetime, str, int]
"""Where an entry stands among those of its agent: when its run began, the run, the position."""

_SEARCH_SECONDS = 5
_CANCELLED = "57014"

# Of a run whose stream gave nothing yet, what is known without it: the prompt, and the result once there is one.
_ENTRIES = """
SELECT r.created_at AS run_at, r.id AS run_id, e.* FROM agent_runs r CROSS JOIN LATERAL (
    SELECT position, kind, text, continues, is_complete, started_at, updated_at, NULL AS call_id, NULL AS name,
           NULL AS path, NULL AS command, NULL AS status, NULL AS outcome, NULL::integer AS exit_code, NULL AS args,
           NULL AS result, NULL::integer AS args_size, NULL::integer AS result_size, NULL::text[] AS dropped
    FROM agent_messages WHERE run_id = r.id
    UNION ALL
    SELECT position, 'tool', '', false, outcome <> 'running', started_at, coalesce(ended_at, started_at), call_id, name,
           path, command, status, outcome, exit_code, args, result, args_size, result_size, dropped
    FROM agent_tool_events WHERE run_id = r.id
    UNION ALL
    SELECT k.position, k.kind, k.text, false, true, k.at, k.at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL
    FROM (VALUES (0, 'user', r.prompt, r.created_at), (1, 'assistant', r.result, coalesce(r.ended_at, r.created_at)))
         AS k (position, kind, text, at)
    WHERE k.text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM agent_messages WHERE run_id = r.id)
) e
WHERE r.agent_id = :agent_id AND {bound} ORDER BY run_at {order}, run_id {order}, position {order} LIMIT :limit
"""

_PLACE = "(r.created_at, r.id, e.position)"
_GIVEN = "(CAST(:run_at AS timestamptz), CAST(:run_id AS text), CAST(:position AS integer))"

_STREAMS = text("""
SELECT r.id AS run_id, r.status AS run_status, r.created_at, r.ended_at, s.state, s.source,
       coalesce(s.has_gap, false) AS has_gap, s.heard_at, s.updated_at, s.error_message,
       coalesce(s.events, 0) AS events,
       coalesce(s.state = 'open' AND s.leased_until > clock_timestamp(), false) AS is_read
FROM agent_runs r LEFT JOIN run_streams s ON s.run_id = r.id
WHERE r.agent_id = :agent_id ORDER BY r.created_at DESC, r.id DESC LIMIT 100
""")

_ASKED = "websearch_to_tsquery('english', translate(:q, '/._', '   '))"

_SEARCH = text(f"""
WITH asked AS (SELECT {_ASKED} AS query), found AS (
    (SELECT m.kind, m.run_id, m.position, m.agent_id, m.started_at, m.text AS body, NULL AS name,
            ts_rank_cd(m.search, asked.query, 1) AS rank
     FROM agent_messages m, asked WHERE m.search @@ asked.query AND (:agent_id = '' OR m.agent_id = :agent_id)
     ORDER BY rank DESC, m.started_at DESC LIMIT :limit)
    UNION ALL
    (SELECT 'tool', t.run_id, t.position, t.agent_id, t.started_at,
            concat_ws(E'\\n', t.path, t.command, t.args, t.result), t.name,
            ts_rank_cd(t.search, asked.query, 1) AS rank
     FROM agent_tool_events t, asked WHERE t.search @@ asked.query AND (:agent_id = '' OR t.agent_id = :agent_id)
     ORDER BY rank DESC, t.started_at DESC LIMIT :limit)
)
SELECT f.kind, f.run_id, f.position, f.agent_id, f.started_at, f.name, a.name AS agent_name, a.repository,
       left(f.body, 30000) AS body
FROM found f JOIN agents a ON a.id = f.agent_id
ORDER BY f.rank DESC, f.started_at DESC, f.run_id, f.position LIMIT :limit
""")  # noqa: S608

_WORDS = text(f"""
SELECT tsvector_to_array(to_tsvector('english', translate(:q, '/._', '   '))) WHERE numnode({_ASKED}) > 0
""")


def select_entries(
    session: Session, agent_id: str, *, place: Place | None, is_descending: bool, limit: int
) -> Sequence[RowMapping]:
    """What was said and done after a place, or before it where it is read downwards."""
    bound = f"{_PLACE} {'<' if is_descending else '>'} {_GIVEN}" if place else "true"
    query = text(_ENTRIES.format(bound=bound, order="DESC" if is_descending else "ASC"))
    values: dict[str, Any] = {"agent_id": agent_id, "limit": limit}
    if place:
        values |= dict(zip(("run_at", "run_id", "position"), place, strict=True))
    return session.connection().execute(query, values).mappings().all()


def select_streams(session: Session, agent_id: str) -> Sequence[RowMapping]:
    """How far the streams of an agent's runs were read, the newest run first."""
    return session.connection().execute(_STREAMS, {"agent_id": agent_id}).mappings().all()


def search(session: Session, q: str, *, agent_id: str | None, limit: int) -> Sequence[RowMapping]:
    """The best matches among all that agents said and did; raises Unavailable where that takes too long."""
    try:
        session.connection().execute(text(f"SET LOCAL statement_timeout = '{_SEARCH_SECONDS}s'"))
        values = {"q": q, "agent_id": agent_id or "", "limit": limit}
        return session.connection().execute(_SEARCH, values).mappings().all()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELLED:
            raise
        raise Unavailable("The search matches too much; name rarer words.", code="search_too_broad") from None


def select_words(session: Session, q: str) -> list[str]:
    """The stems of what is looked for; none where only words are named that are everywhere."""
    return session.connection().execute(_WORDS, {"q": q}).scalar() or []
