"""What an agent says and does, line by line as it comes, and how much of it is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.queries.conversation import ConversationPage, EntryRow, StreamRow, get_conversation
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.markdown import render_markdown

_FIRST = 40
_SPARE = 20
_MOST = 180
_MOST_CHARACTERS = 40_000
_SPEAKERS = {"user": "Asked", "assistant": "Answered", "thinking": "Thinking", "note": "Note"}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it is shown; `html` of Markdown, everything else is plain text."""

    key: str
    run_id: str
    kind: str
    speaker: str
    html: str
    text: str
    subject: str  # what a tool was used on
    outcome: str
    args: str
    result: str
    remark: str  # what is not shown, and why
    started_at: datetime
    run_status: str  # of the first line of a further run


class ConversationState(LiveMixin, ActingMixin, rx.State):
    """The newest lines; those that are said stand still, so that only the last one travels while it grows."""

    settled: list[Line] = []
    growing: list[Line] = []
    how: str = ""
    is_live: bool = False
    heard_at: str = ""
    has_earlier: bool = False
    _shown_id: str = ""
    _first_key: str = ""
    _wanted: int = _FIRST

    @rx.event
    def earlier(self):
        """Show more of what was said before."""
        self._wanted, self._first_key = min(self._wanted + _FIRST, _MOST), ""
        live.feed.publish(self._topic())

    def _topic(self) -> str:
        return live.conversation_topic(self._id())

    def _query(self) -> Callable[[], Any]:
        if self._shown_id != self._id():
            self._shown_id, self._first_key, self._wanted, self.is_loaded = self._id(), "", _FIRST, False
            self.settled, self.growing, self.how = [], [], ""
        return partial(get_conversation, self._id(), limit=self._wanted + _SPARE, newest_first=True)

    def _show(self, result: ConversationPage) -> None:
        lines = _lines(result.items[::-1], result.streams)
        kept = self._kept(lines)
        self._first_key = kept[0].key if kept else ""
        self._wanted = max(_FIRST, min(len(kept), _MOST))
        if kept[:-1] != self.settled:
            self.settled = kept[:-1]
        self.growing = kept[-1:]
        self.has_earlier = result.next_cursor is not None or len(kept) < len(lines)
        self._tell(result.streams)

    def _kept(self, lines: list[Line]) -> list[Line]:
        """From the line that was shown first, so that nothing moves away under a reader's eyes."""
        first = next((n for n, line in enumerate(lines) if line.key == self._first_key), None)
        return lines[-self._wanted :] if first is None else lines[first:]

    def _tell(self, streams: Sequence[StreamRow]) -> None:
        newest = streams[0] if streams else None
        self.how = _how(newest)
        self.is_live = newest is not None and newest.state == "live"
        self.heard_at = newest.heard_at.isoformat() if newest and newest.heard_at else ""


def _how(stream: StreamRow | None) -> str:
    if stream is None:
        return "It has not been launched yet."
    gap = " Something in it is missing." if stream.has_gap else ""
    match stream.state, stream.source:
        case "live", _:
            return "Live." + gap
        case "waiting", _:
            return "Not followed at the moment; what is known is shown." + gap
        case _, "conversation":
            return "Cursor no longer has the stream; this is its record of the messages, without tools and thinking."
        case _, "result":
            return "Cursor no longer has the stream; what was read of it is shown, and the run's result."
        case "ended", _:
            return "Complete." + gap
        case _:
            return "Cursor does not give the conversation of this run."


def _lines(entries: Sequence[EntryRow], streams: Sequence[StreamRow]) -> list[Line]:
    status = {stream.run_id: stream.run_status for stream in streams}
    lines: list[Line] = []
    texts: list[str] = []
    for entry in entries:
        if entry.continues and lines and lines[-1].run_id == entry.run_id and lines[-1].kind == entry.kind:
            texts[-1] += entry.text
            continue
        is_further = bool(lines) and lines[-1].run_id != entry.run_id
        lines.append(_line(entry, status.get(entry.run_id, "") if is_further else ""))
        texts.append(entry.text)
    return [_with_text(line, text) for line, text in zip(lines, texts, strict=True)]


def _line(entry: EntryRow, run_status: str) -> Line:
    return Line(
        key=f"{entry.run_id}:{entry.position}",
        run_id=entry.run_id,
        kind=entry.kind,
        speaker=entry.name or _SPEAKERS.get(entry.kind, entry.kind),
        html="",
        text="",
        subject=entry.command or entry.path or "",
        outcome=entry.outcome or "",
        args=entry.args or "",
        result=entry.result or "",
        remark=_remark(entry),
        started_at=entry.started_at,
        run_status=run_status,
    )


def _with_text(line: Line, text: str) -> Line:
    shown = text[:_MOST_CHARACTERS]
    left = len(text) - len(shown)
    remark = f"{left:,} more characters are not shown here; the API has them." if left else line.remark
    if line.kind == "assistant":
        return replace(line, html=render_markdown(shown), remark=remark)
    return replace(line, text=shown, remark=remark)


def _remark(entry: EntryRow) -> str:
    if entry.dropped:
        return f"Cursor left out {' and '.join(entry.dropped)} for the size."
    cut = [
        f"{name} of {size:,} characters"
        for name, text, size in (
            ("arguments", entry.args, entry.args_size),
            ("a result", entry.result, entry.result_size),
        )
        if text is not None and size is not None and size > len(text)
    ]
    return f"Shortened: {' and '.join(cut)}." if cut else ""
