"""What agents at work did and said last, where that is new since the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.loops import Deed

_AT_WORK = """
    FROM run_streams s
    JOIN agents a ON a.id = s.agent_id AND a.latest_run_id = s.run_id
    JOIN agent_orchestrator_states t ON t.agent_id = s.agent_id AND t.status = 'running'
"""

# A few new entries make a look worth its cost; a stream that is read anew begins below what was looked at.
_NEWS = text(f"""
SELECT s.run_id, s.agent_id, s.next_position {_AT_WORK}
WHERE s.state = 'open' AND (s.next_position >= s.loops_position + 3 OR s.next_position < s.loops_position)
ORDER BY s.updated_at LIMIT :most
""")

# Silence is an agent's only while its stream is read and no tool is at work.
_SILENT = text(f"""
SELECT s.run_id, s.agent_id, s.next_position, CAST(q.minutes AS integer) AS minutes,
       q.minutes >= 2 * :minutes AS is_certain {_AT_WORK}
CROSS JOIN LATERAL (SELECT extract(epoch FROM clock_timestamp() - coalesce(s.heard_at, s.created_at)) / 60 AS minutes) q
WHERE s.state = 'open' AND s.leased_until > clock_timestamp() AND q.minutes >= :minutes
  AND s.silence_told < CASE WHEN q.minutes >= 2 * :minutes THEN 2 ELSE 1 END
  AND NOT EXISTS (SELECT 1 FROM agent_tool_events e WHERE e.run_id = s.run_id AND e.outcome = 'running')
ORDER BY s.updated_at LIMIT :most
""")  # noqa: S608

# Whoever writes a stream just now is not waited for: the next look comes soon.
_LOOKED = text("""
WITH free AS (
    SELECT s.run_id, d.position FROM run_streams s
    JOIN unnest(CAST(:ids AS text[]), CAST(:positions AS integer[])) AS d (run_id, position) ON d.run_id = s.run_id
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE run_streams s SET loops_position = free.position FROM free WHERE s.run_id = free.run_id
""")
_TOLD = text("""
WITH free AS (SELECT run_id FROM run_streams WHERE run_id = :id FOR UPDATE SKIP LOCKED)
UPDATE run_streams s SET silence_told = :told FROM free WHERE s.run_id = free.run_id
""")

# The end of a long result tells more than its beginning.
_DEEDS = text("""
SELECT r.run_id, d.* FROM unnest(CAST(:ids AS text[])) AS r (run_id) CROSS JOIN LATERAL (
    (SELECT position, 'tool' AS kind, concat_ws(' ', name, coalesce(command, path, left(args, 300))) AS action,
            md5(concat_ws('|', name, path, command, args)) AS key,
            CASE WHEN length(result) > 2000 THEN left(result, 500) || right(result, 1500) ELSE coalesce(result, '') END
            AS result,
            outcome = 'failed' AS is_failure
     FROM agent_tool_events WHERE run_id = r.run_id AND outcome <> 'running' ORDER BY position DESC LIMIT :window)
    UNION ALL
    (SELECT position, kind, left(text, 300), '', '', false
     FROM agent_messages WHERE run_id = r.run_id AND kind IN ('assistant', 'thinking') AND NOT continues
     ORDER BY position DESC LIMIT :window)
) d ORDER BY r.run_id, d.position
""")


@dataclass(frozen=True, slots=True)
class News:
    """A run under way, up to which entry it was read, and the newest deeds, in order."""

    run_id: str
    agent_id: str
    position: int
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class Quiet:
    """A run that said and did nothing for so many minutes."""

    run_id: str
    agent_id: str
    position: int
    minutes: int
    is_certain: bool


def select_news(session: Session, *, most: int, window: int) -> list[News]:
    """Runs under way of whose agents something is new since the last look."""
    rows = session.connection().execute(_NEWS, {"most": most}).all()
    deeds: dict[str, list[Deed]] = {row.run_id: [] for row in rows}
    if rows:
        for row in session.connection().execute(_DEEDS, {"ids": list(deeds), "window": window}):
            deed = Deed(row.position, row.kind, row.action, row.result, is_failure=row.is_failure, key=row.key)
            deeds[row.run_id].append(deed)
    return [News(row.run_id, row.agent_id, row.next_position, tuple(deeds[row.run_id])) for row in rows]


def select_silent(session: Session, *, minutes: int, most: int) -> list[Quiet]:
    """Runs under way that have been silent for so long, or for twice as long, of which that was not told yet."""
    rows = session.connection().execute(_SILENT, {"minutes": minutes, "most": most})
    return [Quiet(r.run_id, r.agent_id, r.next_position, r.minutes, r.is_certain) for r in rows]


def note_looked(session: Session, positions: Mapping[str, int]) -> None:
    """These runs were looked at up to there."""
    values = {"ids": list(positions), "positions": list(positions.values())}
    session.connection().execute(_LOOKED, values)


def note_told(session: Session, run_id: str, *, is_certain: bool) -> None:
    """Its silence was told of."""
    session.connection().execute(_TOLD, {"id": run_id, "told": 2 if is_certain else 1})
