"""The newest word of each source about agents, read from where each is kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.truth import Source, Word

# One row for each word there is. What the code host says counts from when it began to say so.
_WORDS = text("""
SELECT a.id, w.source, w.said, w.at
FROM agents a
LEFT JOIN run_streams s ON s.run_id = a.latest_run_id
LEFT JOIN code_host_states c ON c.agent_id = a.id
LEFT JOIN LATERAL (
    SELECT status, sent_at FROM webhook_deliveries d WHERE d.agent_id = a.id ORDER BY sent_at DESC LIMIT 1) d ON true
LEFT JOIN LATERAL (
    SELECT max(sent_at) AS at FROM agent_followups f WHERE f.agent_id = a.id AND f.status = 'sent') f ON true
CROSS JOIN LATERAL (VALUES
    ('poll', CASE WHEN a.agent_status = 'DELETED' THEN 'DELETED' ELSE a.run_status END, a.observed_at),
    ('list', a.agent_status, greatest(a.listed_at, a.listed_update)),
    ('webhook', d.status, d.sent_at),
    ('stream', CASE s.state WHEN 'open' THEN 'output' WHEN 'ended' THEN 'ended' END, s.heard_at),
    ('code_host', coalesce(c.pr_state, CASE WHEN c.head_sha IS NOT NULL THEN 'pushed' END), c.changed_at),
    ('person', CASE WHEN a.origin <> 'elsewhere' THEN 'launch' END, a.launched_at),
    ('person', 'follow-up', f.at),
    ('person', a.asked, a.asked_at)) AS w (source, said, at)
WHERE a.id = ANY(:ids) AND w.said IS NOT NULL AND w.at IS NOT NULL
""")

_NOTE_ASKED = text("UPDATE agents SET asked = :said, asked_at = clock_timestamp() WHERE id = ANY(:ids)")


def select_words(session: Session, ids: Sequence[str]) -> dict[str, list[Word]]:
    """The words about each of these agents."""
    found: dict[str, list[Word]] = {agent_id: [] for agent_id in ids}
    for agent_id, source, said, at in session.connection().execute(_WORDS, {"ids": list(ids)}):
        found[agent_id].append(Word(Source(source), said, at))
    return found


def note_asked(session: Session, ids: Sequence[str], said: str) -> None:
    """A person asked that this be done to these agents: stop, archive, unarchive or delete."""
    session.connection().execute(_NOTE_ASKED, {"ids": list(ids), "said": said})
