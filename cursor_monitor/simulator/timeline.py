"""All events of a run's stream with their times and ids, worked out ahead."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import hexdigits
from cursor_monitor.simulator.conversation import Narrator
from cursor_monitor.simulator.gitstate import branches_of
from cursor_monitor.simulator.model import FINISHED, Agent, Run
from cursor_monitor.simulator.step import Step

Json = dict[str, Any]
LARGEST_FIELD = 64 * 1024
_PIECES = re.compile(r"\s*\S+\s*\S*\s*")
_ENDING = 0.88
_SPOKEN_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Event:
    """One frame; `id` is None where the frame has no id line."""

    ms: int
    name: str
    data: str
    id: str | None = None

    def encode(self) -> bytes:
        """The frame as it goes over the wire."""
        head = f"id: {self.id}\n" if self.id else ""
        return f"{head}event: {self.name}\ndata: {self.data}\n\n".encode()


class _Writer:
    """Gives each moment's events their ids: milliseconds and a number that starts over with each."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._last = (-1, -1)

    def write(self, ms: int, *frames: tuple[str, Json]) -> None:
        """Events of one moment that share one id."""
        at = max(ms, self._last[0])
        self._last = (at, self._last[1] + 1 if at == self._last[0] else 0)
        event_id = f"{self._last[0]}-{self._last[1]}"
        self.events += [Event(at, name, encode(data), event_id) for name, data in frames]


def timeline_of(world: World, narrator: Narrator, agent: Agent, run: Run) -> list[Event]:
    """Every event with an id, in order; those of the end only where the run's end is known."""
    writer = _Writer()
    writer.write(run.started_ms, ("interaction_update", {"type": "step-started", "stepId": f"{run.id}-step-1"}))
    for number, step in enumerate(narrator.steps(agent, run)):
        _write_step(writer, world, run, number, step)
    if run.fate == FINISHED:
        _speak(writer, run, _ENDING, narrator.final_text(agent, run))
        writer.write(_moment(run, 0.98), ("interaction_update", {"type": "turn-ended"}))
    if run.ends_ms is None:
        return writer.events
    ends = run.ends_ms
    writer.events = [event for event in writer.events if event.ms < ends]
    writer.write(ends, ("result", _result(world, narrator, agent, run)), ("done", {}))
    return writer.events


def encode(data: Json) -> str:
    """The data line of a frame."""
    return json.dumps(data, separators=(",", ":"))


def _moment(run: Run, share: float) -> int:
    return run.started_ms + round((run.created_ms + run.planned_ms - run.started_ms) * share)


def _write_step(writer: _Writer, world: World, run: Run, number: int, step: Step) -> None:
    if step.kind == "assistant":
        _speak(writer, run, step.at, step.text)
    elif step.kind == "thinking":
        _think(writer, run, step)
    else:
        _use_tool(writer, run, step, f"call-{hexdigits(12, world.seed, run.id, number)}")


def _speak(writer: _Writer, run: Run, at: float, text: str) -> None:
    pieces = _PIECES.findall(text) or [text]
    for number, piece in enumerate(pieces):
        moment = _moment(run, at + _SPOKEN_SHARE * number / len(pieces))
        delta = {"type": "text-delta", "text": piece}
        writer.write(moment, ("assistant", {"text": piece}), ("interaction_update", delta))


def _think(writer: _Writer, run: Run, step: Step) -> None:
    for piece in _PIECES.findall(step.text):
        delta = {"type": "thinking-delta", "text": piece}
        writer.write(_moment(run, step.at), ("thinking", {"text": piece}), ("interaction_update", delta))
    writer.write(_moment(run, step.at + 0.02), ("interaction_update", {"type": "thinking-completed"}))


def _use_tool(writer: _Writer, run: Run, step: Step, call: str) -> None:
    running: Json = {"callId": call, "name": step.tool, "status": "running", "args": step.args}
    completed = _bounded(running | {"status": "completed", "result": step.result})
    for share, kind, data in ((0.0, "started", running), (0.04, "completed", completed)):
        update = {"type": f"tool-call-{kind}", "callId": call, "modelCallId": f"{call}-m", "toolCall": data}
        writer.write(_moment(run, step.at + share), ("tool_call", data), ("interaction_update", update))


def _bounded(data: Json) -> Json:
    large = [key for key in ("args", "result") if len(encode({"x": data[key]})) > LARGEST_FIELD]
    if not large:
        return data
    kept = {key: value for key, value in data.items() if key not in large}
    return kept | {"truncated": dict.fromkeys(large, True)}


def _result(world: World, narrator: Narrator, agent: Agent, run: Run) -> Json:
    ends = run.ends_ms or run.created_ms
    data: Json = {"runId": run.id, "status": run.outcome}
    if run.outcome == FINISHED:
        data["text"] = narrator.final_text(agent, run)
    data["durationMs"] = max(0, ends - run.created_ms)
    branches = branches_of(world, agent, ends)
    return data | ({"git": {"branches": branches}} if branches else {})
