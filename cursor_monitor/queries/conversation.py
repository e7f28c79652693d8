"""Reading what agents said and did: one agent's conversation in order, and all of them by their words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import agents
from cursor_monitor.store import conversation_reads as store
from cursor_monitor.store.database import reading

MOST_QUERY = 300
MOST_FOUND = 100
_SNIPPET = 240
_BEFORE = 60


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Something said, or one use of a tool."""

    run_id: str
    position: int
    kind: str  # user, assistant, thinking, note, tool
    text: str
    continues: bool  # goes on where the entry before was cut for its length
    is_complete: bool
    started_at: datetime
    updated_at: datetime
    call_id: str | None = None
    name: str | None = None
    path: str | None = None
    command: str | None = None
    status: str | None = None  # Cursor's word, as given
    outcome: str | None = None  # running, succeeded, failed, unknown
    exit_code: int | None = None
    args: str | None = None
    result: str | None = None
    args_size: int | None = None  # characters before it was shortened
    result_size: int | None = None
    dropped: tuple[str, ...] = ()  # what Cursor did not send for its size


@dataclass(frozen=True, slots=True)
class StreamRow:
    """How much of a run's conversation is here, and where it comes from."""

    run_id: str
    run_status: str
    state: str  # live, waiting, ended, expired, unavailable
    source: str | None  # stream, conversation, result
    has_gap: bool
    events: int
    heard_at: datetime | None  # the newest event
    read_at: datetime | None  # when it was last written
    error_message: str | None


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Entries in the order in which they were said, and the streams of the newest runs."""

    items: tuple[EntryRow, ...]
    next_cursor: str | None
    streams: tuple[StreamRow, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One place where the words were found."""

    agent_id: str
    agent_name: str | None
    repository: str | None
    run_id: str
    position: int
    kind: str
    name: str | None  # of the tool
    started_at: datetime
    snippet: tuple[Piece, ...]


def get_conversation(
    agent_id: str, *, cursor: str | None = None, limit: int = 50, newest_first: bool = False
) -> ConversationPage:
    """A page of an agent's conversation, as stored; raises NotFound for an agent that is not known."""
    check_limit(limit)
    place = _place(cursor)
    with reading() as session:
        agent = agents.find(session, agent_id)
        if agent is None:
            raise NotFound(f"No agent has the id {agent_id[:60]}.")
        rows = store.select_entries(session, agent_id, place=place, is_descending=newest_first, limit=limit + 1)
        streams = store.select_streams(session, agent_id)
    entries = [_entry(row) for row in rows[:limit]]
    if not streams and place is None and agent.prompt:
        entries = [EntryRow("", 0, "user", agent.prompt, False, True, agent.created_at, agent.created_at)]
    following = _cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return ConversationPage(tuple(entries), following, tuple(_stream(row) for row in streams))


def search_conversations(q: str, *, agent_id: str | None = None, limit: int = 30) -> Page[FoundRow]:
    """The best matches first; words, "phrases", or, and -not, as in a web search."""
    words = q.strip()
    if not words or len(words) > MOST_QUERY:
        raise Invalid("q", f"must be 1 to {MOST_QUERY} characters: words to look for, such as: flaky test")
    if not 1 <= limit <= MOST_FOUND:
        raise Invalid("limit", f"must be from 1 to {MOST_FOUND}")
    with reading() as session:
        stems = store.select_words(session, words)
        if not stems:
            raise Invalid("q", "has only words that are in every text; name a rarer one")
        rows = store.search(session, words, agent_id=agent_id, limit=limit)
    return Page(tuple(_found(row, _pattern(stems)) for row in rows), None)


def _place(cursor: str | None) -> store.Place | None:
    values = decode_cursor(cursor, 3)
    if values is None:
        return None
    try:
        return datetime.fromisoformat(values[0]), values[1], _position(values[2])
    except (ValueError, OverflowError):
        raise Invalid("cursor", "is not one that this server gave out; start again without it") from None


def _position(value: str) -> int:
    number = int(value)
    if not 0 <= number < 2**31:
        raise ValueError(value)
    return number


def _cursor_of(row: Any) -> str:
    return encode_cursor(row["run_at"].isoformat(), row["run_id"], str(row["position"]))


def _entry(row: Any) -> EntryRow:
    values = {name: value for name, value in row.items() if name not in ("run_at", "dropped")}
    return EntryRow(**values, dropped=tuple(row["dropped"] or ()))


def _stream(row: Any) -> StreamRow:
    state = row["state"] or ("unavailable" if row["run_status"] in RUN_TERMINAL else "open")
    if state == "open":
        state = "live" if row["is_read"] else "waiting"
    return StreamRow(
        row["run_id"],
        row["run_status"],
        state,
        row["source"],
        row["has_gap"],
        row["events"],
        row["heard_at"],
        row["updated_at"],
        row["error_message"],
    )


def _found(row: Any, pattern: re.Pattern[str]) -> FoundRow:
    values = {name: value for name, value in row.items() if name != "body"}
    return FoundRow(**values, snippet=_snippet(row["body"], pattern))


def _pattern(stems: list[str]) -> re.Pattern[str]:
    """Finds the words of these stems, from their beginning; a stem ends in i where its word may end in y."""
    forms = [re.escape(stem.removesuffix("i")) + ("[iy]" if stem.endswith("i") else "") for stem in stems]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(forms)})[^\W_]*", re.IGNORECASE)


def _snippet(body: str, pattern: re.Pattern[str]) -> tuple[Piece, ...]:
    first = pattern.search(body)
    start = max(0, first.start() - _BEFORE) if first else 0
    part = body[start : start + _SNIPPET]
    pieces: list[Piece] = [Piece("… ", False)] if start else []
    at = 0
    for match in pattern.finditer(part):
        pieces += [Piece(part[at : match.start()], False), Piece(match.group(), True)]
        at = match.end()
    pieces.append(Piece(part[at:] + (" …" if start + _SNIPPET < len(body) else ""), False))
    return tuple(piece for piece in pieces if piece.text)
