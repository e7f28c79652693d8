"""What a tool was used for, read from a call whose shape is Cursor's to change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cursor_monitor.cursor.stream import ToolCallFrame
from cursor_monitor.domain.conversation import ToolWrite
from cursor_monitor.domain.text import storable

MOST_ARGS = 8_000
MOST_RESULT = 16_000
_MOST_ID, _MOST_NAME, _MOST_STATUS, _MOST_PATH, _MOST_COMMAND = 200, 200, 60, 1_000, 4_000
_PATHS = ("path", "file_path", "filePath", "target_file", "relative_workspace_path", "filename", "file")
_FAILURES = ("error", "failure", "rejected")


def read_tool(frame: ToolCallFrame, position: int, at: datetime) -> ToolWrite:
    """The call as it is kept: short where it is long, with the true sizes."""
    args, result = _mapping(frame.args), _mapping(frame.result)
    success = _mapping(result.get("success"))
    exit_code = _whole(success.get("exitCode", success.get("exit_code")))
    return ToolWrite(
        call_id=call_id_of(frame),
        position=position,
        name=storable(frame.name)[:_MOST_NAME],
        path=_first_text((args, success), _PATHS, _MOST_PATH),
        command=_first_text((args, success), ("command", "cmd"), _MOST_COMMAND),
        status=storable(frame.status)[:_MOST_STATUS],
        outcome=_outcome(frame, result, exit_code),
        exit_code=exit_code,
        args=_shortened(frame.args, MOST_ARGS),
        result=_shortened(frame.result, MOST_RESULT),
        args_size=_size(frame.args),
        result_size=_size(frame.result),
        dropped=tuple(sorted(storable(str(name))[:20] for name in frame.truncated))[:4],
        started_at=at,
        ended_at=None if frame.status == "running" else at,
    )


def call_id_of(frame: ToolCallFrame) -> str:
    """The id of a call, as it is kept."""
    return storable(frame.call_id)[:_MOST_ID]


def _outcome(frame: ToolCallFrame, result: Mapping[str, Any], exit_code: int | None) -> str:
    if frame.status == "running":
        return "running"
    if exit_code or any(name in result for name in _FAILURES) or frame.status in ("error", "failed"):
        return "failed"
    return "succeeded" if "success" in result else "unknown"


def _shortened(value: Any, most: int) -> str | None:
    if value is None:
        return None
    text = _text_of(value)
    if len(text) <= most:
        return text
    half = most // 2 - 40
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out here …\n{text[-half:]}"


def _size(value: Any) -> int | None:
    return None if value is None else len(_text_of(value))


def _text_of(value: Any) -> str:
    return storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _first_text(places: tuple[Mapping[str, Any], ...], names: tuple[str, ...], most: int) -> str | None:
    found = (place.get(name) for place in places for name in names)
    return next((storable(value)[:most] for value in found if isinstance(value, str) and value), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    return value if is_whole else None
