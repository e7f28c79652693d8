"""What agents said and did: appended in the order of their runs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.conversation import StreamWrite

_CLEAR = (
    text("DELETE FROM agent_messages WHERE run_id = ANY(:ids)"),
    text("DELETE FROM agent_tool_events WHERE run_id = ANY(:ids)"),
)

_SAY = text("""
INSERT INTO agent_messages AS m
       (run_id, position, agent_id, kind, text, continues, is_complete, started_at, updated_at)
SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS d (
    run_id text, position integer, agent_id text, kind text, text text, continues boolean, is_complete boolean,
    started_at timestamptz, updated_at timestamptz)
ON CONFLICT (run_id, position) DO UPDATE SET
    text = m.text || excluded.text, is_complete = excluded.is_complete, updated_at = excluded.updated_at
""")

_USE = text("""
INSERT INTO agent_tool_events AS t
       (run_id, call_id, position, agent_id, name, path, command, status, outcome, exit_code, args, result, args_size,
        result_size, dropped, started_at, ended_at)
SELECT d.run_id, d.call_id, d.position, d.agent_id, d.name, d.path, d.command, d.status, d.outcome, d.exit_code,
       d.args, d.result, d.args_size, d.result_size, d.dropped, d.started_at, d.ended_at
FROM json_to_recordset(CAST(:rows AS json)) AS d (
    run_id text, call_id text, position integer, agent_id text, name text, path text, command text, status text,
    outcome text, exit_code integer, args text, result text, args_size integer, result_size integer, dropped text[],
    started_at timestamptz, ended_at timestamptz)
ON CONFLICT (run_id, call_id) DO UPDATE SET
    name = excluded.name, path = coalesce(excluded.path, t.path), command = coalesce(excluded.command, t.command),
    status = excluded.status, outcome = excluded.outcome, exit_code = excluded.exit_code,
    args = coalesce(excluded.args, t.args), args_size = coalesce(excluded.args_size, t.args_size),
    result = excluded.result, result_size = excluded.result_size, dropped = excluded.dropped,
    ended_at = excluded.ended_at
""")

# A call whose end was never told has an outcome that nobody knows.
_LEAVE = text("UPDATE agent_tool_events SET outcome = 'unknown' WHERE run_id = ANY(:ids) AND outcome = 'running'")


def append(session: Session, writes: Sequence[StreamWrite]) -> None:
    """Write what these streams said, each after what is stored of it."""
    resets = [write.run_id for write in writes if write.is_reset]
    for statement in _CLEAR if resets else ():
        session.connection().execute(statement, {"ids": resets})
    messages = [row for write in writes for row in _messages(write)]
    tools = [row for write in writes for row in _tools(write)]
    for statement, rows in ((_SAY, messages), (_USE, tools)):
        if rows:
            session.connection().execute(statement, {"rows": json.dumps(rows)})
    over = [write.run_id for write in writes if write.is_over]
    if over:
        session.connection().execute(_LEAVE, {"ids": over})


def _messages(write: StreamWrite) -> list[dict[str, object]]:
    return [
        {
            "run_id": write.run_id,
            "agent_id": write.agent_id,
            "position": message.position,
            "kind": message.kind,
            "text": "".join(message.pieces),
            "continues": message.continues,
            "is_complete": message.is_complete,
            "started_at": message.started_at.isoformat(),
            "updated_at": message.updated_at.isoformat(),
        }
        for message in write.messages
    ]


def _tools(write: StreamWrite) -> list[dict[str, object]]:
    names = ("call_id", "position", "name", "path", "command", "status", "outcome", "exit_code", "args", "result")
    rows: list[dict[str, object]] = []
    for tool in write.tools:
        row: dict[str, object] = {name: getattr(tool, name) for name in (*names, "args_size", "result_size")}
        row |= {"run_id": write.run_id, "agent_id": write.agent_id, "dropped": list(tool.dropped)}
        row |= {"started_at": tool.started_at.isoformat()}
        rows.append(row | {"ended_at": tool.ended_at.isoformat() if tool.ended_at else None})
    return rows
