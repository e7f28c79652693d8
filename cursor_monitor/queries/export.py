"""Agents as files: one as text or data with all that it said, many as rows of a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cursor_monitor.domain.fleet import FleetFilter, Order
from cursor_monitor.queries.agents import AgentDetail, AgentRow, get_agent, get_usage
from cursor_monitor.queries.conversation import EntryRow, get_conversation
from cursor_monitor.queries.fleet import every_agent

_PAGE = 200
_COLUMNS = (
    *("id", "name", "state", "run_status", "agent_status", "shelf", "origin", "repository", "ref", "branch", "pr_url"),
    *("model", "tags", "pinned", "tokens", "cost_cents", "created_at", "launched_at", "active_at", "observed_at"),
    *("orchestration_id", "task_key", "error_message"),
)
# What a spreadsheet takes for the beginning of a formula, or skips before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


def agent_as_json(agent_id: str) -> Iterator[str]:
    """All that is known of an agent as one JSON object, written piece by piece; raises NotFound at once."""
    detail = get_agent(agent_id)
    usage = get_usage(agent_id)
    head = json.dumps({**asdict(detail), "usage": asdict(usage)}, default=_plain, indent=1, ensure_ascii=False)
    return _json_pieces(head, agent_id)


def agent_as_text(agent_id: str) -> Iterator[str]:
    """What an agent was told, said and did, to be read; raises NotFound at once."""
    return _text_pieces(get_agent(agent_id), agent_id)


def fleet_as_csv(wanted: FleetFilter, order: Order) -> Iterator[str]:
    """The agents that fit as CSV in which no cell is a formula; raises Invalid at once."""
    rows = every_agent(wanted, order)
    first = next(rows, None)
    return _csv_pieces([] if first is None else [first], rows)


def safe_cell(value: Any) -> Any:
    """A value as a cell: text that a spreadsheet would calculate is marked as text."""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" \u200b\ufeff").startswith(_FORMULA) else value
    if isinstance(value, (tuple, list)):
        return safe_cell(", ".join(map(str, value)))
    return _plain(value) if isinstance(value, datetime) else value


def _csv_pieces(first: Iterable[AgentRow], rest: Iterator[AgentRow]) -> Iterator[str]:
    yield _line(_COLUMNS)
    for source in (first, rest):
        for row in source:
            yield _line([safe_cell(getattr(row, name)) for name in _COLUMNS])


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _json_pieces(head: str, agent_id: str) -> Iterator[str]:
    yield head.removesuffix("\n}") + ',\n "conversation": [\n'
    separator = ""
    for entry in _entries(agent_id):
        yield separator + json.dumps(asdict(entry), default=_plain, ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def _text_pieces(detail: AgentDetail, agent_id: str) -> Iterator[str]:
    agent = detail.agent
    facts = {
        "Agent": agent.id,
        "State": agent.state,
        "Repository": agent.repository,
        "Branch": agent.branch,
        "Pull request": agent.pr_url,
        "Model": agent.model,
        "Tags": ", ".join(agent.tags) or None,
        "Made": _plain(agent.created_at),
    }
    yield f"{agent.name or agent.id}\n\n"
    yield "".join(f"{word}: {value if value is not None else 'unknown'}\n" for word, value in facts.items())
    for entry in _entries(agent_id):
        yield _told(entry)


def _told(entry: EntryRow) -> str:
    if entry.kind == "tool":
        what = " ".join(part for part in (entry.name, entry.path, entry.command) if part)
        return f"\n--- tool, {_plain(entry.started_at)}\n{what} ({entry.outcome or 'unknown'})\n"
    head = "" if entry.continues else f"\n--- {entry.kind}, {_plain(entry.started_at)}\n"
    return f"{head}{entry.text}\n"


def _entries(agent_id: str) -> Iterator[EntryRow]:
    cursor = None
    while True:
        page = get_conversation(agent_id, cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _plain(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
