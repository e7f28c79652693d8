"""What agents at work did and said last, where that is new; each look is claimed by one worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.loops import Deed

# A few new entries make a look worth its cost; a stream that is read anew begins below what was looked at.
_CLAIM = text("""
WITH news AS (
    SELECT s.run_id FROM run_streams s
    JOIN agents a ON a.id = s.agent_id AND a.latest_run_id = s.run_id
    JOIN agent_orchestrator_states t ON t.agent_id = s.agent_id AND t.status = 'running'
    WHERE s.state = 'open' AND (s.next_position >= s.loops_position + 3 OR s.next_position < s.loops_position)
    ORDER BY s.updated_at LIMIT :most FOR UPDATE OF s SKIP LOCKED
)
UPDATE run_streams s SET loops_position = s.next_position FROM news WHERE s.run_id = news.run_id
RETURNING s.run_id, s.agent_id
""")

# Silence is an agent's only while its stream is read and no tool is at work.
_SILENT = text("""
WITH quiet AS (
    SELECT s.run_id, CASE WHEN q.minutes >= 2 * :minutes THEN 2 ELSE 1 END AS told, q.minutes
    FROM run_streams s
    JOIN agents a ON a.id = s.agent_id AND a.latest_run_id = s.run_id
    JOIN agent_orchestrator_states t ON t.agent_id = s.agent_id AND t.status = 'running'
    CROSS JOIN LATERAL
        (SELECT extract(epoch FROM clock_timestamp() - coalesce(s.heard_at, s.created_at)) / 60 AS minutes) q
    WHERE s.state = 'open' AND s.leased_until > clock_timestamp() AND s.silence_told < 2 AND q.minutes >= :minutes
      AND NOT EXISTS (SELECT 1 FROM agent_tool_events e WHERE e.run_id = s.run_id AND e.outcome = 'running')
    ORDER BY s.updated_at LIMIT :most FOR UPDATE OF s SKIP LOCKED
)
UPDATE run_streams s SET silence_told = quiet.told FROM quiet
WHERE s.run_id = quiet.run_id AND s.silence_told < quiet.told
RETURNING s.run_id, s.agent_id, s.next_position, s.silence_told, CAST(quiet.minutes AS integer) AS minutes
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
class Quiet:
    """A run that said and did nothing for so many minutes."""

    run_id: str
    agent_id: str
    position: int
    minutes: int
    is_certain: bool


def claim_news(session: Session, *, most: int, window: int) -> list[tuple[str, str, list[Deed]]]:
    """Runs under way of whose agents something is new, each with its agent and the newest deeds, in order."""
    runs = {row.run_id: row.agent_id for row in session.connection().execute(_CLAIM, {"most": most})}
    deeds: dict[str, list[Deed]] = {run_id: [] for run_id in runs}
    if runs:
        for row in session.connection().execute(_DEEDS, {"ids": list(runs), "window": window}):
            deed = Deed(row.position, row.kind, row.action, row.result, is_failure=row.is_failure, key=row.key)
            deeds[row.run_id].append(deed)
    return [(run_id, agent_id, deeds[run_id]) for run_id, agent_id in runs.items()]


def claim_silent(session: Session, *, minutes: int, most: int) -> Sequence[Quiet]:
    """Runs under way that have been silent for so long, or for twice as long, of which that was not told yet."""
    rows = session.connection().execute(_SILENT, {"minutes": minutes, "most": most})
    return [Quiet(r.run_id, r.agent_id, r.next_position, r.minutes, r.silence_told == 2) for r in rows]
