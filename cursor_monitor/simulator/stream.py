"""GET /v1/agents/{id}/runs/{runId}/stream: server-sent events of one run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cursor_monitor.simulator.errors import ApiError
from cursor_monitor.simulator.faults import Rule
from cursor_monitor.simulator.model import CREATING, Agent, Run
from cursor_monitor.simulator.sever import sever
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.timeline import Event, encode, timeline_of
from cursor_monitor.simulator.wire import sim_of

FIRST_HEARTBEAT_SECONDS, HEARTBEAT_SECONDS = 30.0, 15.0
_INVENTED = re.compile(r"^\d{1,15}-0$")
_GONE = {"code": "stream_unavailable", "message": "Run stream is no longer available"}


async def stream_run(request: Request) -> Response:
    """Replay what has happened, then follow the run to its end."""
    sim, path = sim_of(request), request.scope["path"]
    agent, run = sim.world.find_run(request.path_params["id"], request.path_params["run_id"])
    _check_retention(sim, run, path)
    position = _resume_position(sim, agent, run, request.headers.get("last-event-id"))
    warming = sim.faults.take({"stream_unavailable"}, "GET", path)
    if warming and not warming.settings.get("in_stream"):
        raise ApiError(409, "stream_unavailable", _GONE["message"])
    follower = _Follower(sim, agent, run, position)
    follower.drop = sim.faults.take({"stream_drop"}, "GET", path)
    follower.unknown = sim.faults.take({"unknown_event"}, "GET", path) is not None
    frames = follower.unavailable() if warming else follower.frames(request)
    retention = {"X-Cursor-Stream-Retention-Seconds": str(sim.config.stream_retention_seconds)}
    return StreamingResponse(frames, media_type="text/event-stream", headers=retention | {"Cache-Control": "no-store"})


@dataclass(slots=True)
class _Follower:
    sim: Simulator
    agent: Agent
    run: Run
    position: int
    drop: Rule | None = None
    unknown: bool = False
    sent: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def frames(self, request: Request) -> AsyncIterator[bytes]:
        """The frames as they fall due."""
        stop = self.sim.world.watch(self.run.id, self.wake)
        try:
            async for frame in self._follow():
                if self.drop and self.sent >= self.drop.settings.get("after", 5):
                    self.sim.counters.refusal("cut", "stream")
                    sever(request.scope)
                    return
                self.sent += 1
                yield frame
        finally:
            stop()

    async def unavailable(self) -> AsyncIterator[bytes]:
        """The other form of the warm-up race: a stream that ends at once without a result."""
        yield self._status() + self._status()
        yield Event(0, "error", encode(_GONE)).encode() + Event(0, "done", "{}").encode()

    async def _follow(self) -> AsyncIterator[bytes]:
        scale = self.sim.world.scale * 1000
        beat = self.sim.clock.now() + round(FIRST_HEARTBEAT_SECONDS * scale)
        creating = self._creating()
        yield self._status()
        if self.unknown:
            yield Event(0, "future_event", encode({"since": "tomorrow"})).encode()
        while True:
            if creating and not self._creating():
                creating = False
                yield self._status()
            events, now = self._events(), self.sim.clock.now()
            while self.position < len(events) and events[self.position].ms <= now:
                self.position += 1
                yield events[self.position - 1].encode()
            if not self.run.active(now) and self.position >= len(events):
                return
            if now >= beat:
                yield Event(0, "heartbeat", "{}").encode()
                beat = now + round(HEARTBEAT_SECONDS * scale)
            await self._sleep(events, beat, creating)

    async def _sleep(self, events: list[Event], beat: int, creating: bool) -> None:
        due = [beat, *(event.ms for event in events[self.position : self.position + 1])]
        await self.sim.clock.wait(min([*due, self.run.started_ms] if creating else due), self.wake)
        self.wake.clear()

    def _events(self) -> list[Event]:
        return _cached_timeline(self.sim, self.agent, self.run)

    def _creating(self) -> bool:
        return self.run.status(self.sim.clock.now()) == CREATING

    def _status(self) -> bytes:
        status = self.run.status(self.sim.clock.now())
        return Event(0, "status", encode({"runId": self.run.id, "status": status})).encode()


def _cached_timeline(sim: Simulator, agent: Agent, run: Run) -> list[Event]:
    key = (run.id, run.ends_ms, run.outcome)
    found = sim.timelines.get(key)
    if found is None:
        found = sim.timelines[key] = timeline_of(sim.world, sim.narrator, agent, run)
        while len(sim.timelines) > sim.MOST_TIMELINES:
            del sim.timelines[next(iter(sim.timelines))]
    return found


def _check_retention(sim: Simulator, run: Run, path: str) -> None:
    kept_ms = sim.config.stream_retention_seconds * 1000
    old = run.ends_ms is not None and sim.clock.now() > run.ends_ms + kept_ms
    if old or sim.faults.take({"stream_expired"}, "GET", path):
        raise ApiError(410, "stream_expired", "The stream of this run has expired")


def _resume_position(sim: Simulator, agent: Agent, run: Run, last_id: str | None) -> int:
    """Where to go on; an id of nobody's that looks like a first event's is taken, and then replays nothing."""
    if not last_id:
        return 0
    events, now = timeline_of(sim.world, sim.narrator, agent, run), sim.clock.now()
    known = [n for n, event in enumerate(events) if event.id == last_id and event.ms <= now]
    if known:
        last = known[-1]
        return last if events[last].name == "done" else last + 1
    if not _INVENTED.match(last_id) or _belongs_elsewhere(sim, agent, run, last_id):
        raise ApiError(400, "invalid_last_event_id", "Last-Event-ID must refer to an event within the requested run")
    return sum(event.ms <= now for event in events)


def _belongs_elsewhere(sim: Simulator, agent: Agent, run: Run, event_id: str) -> bool:
    others = (other for other in agent.runs if other is not run)
    return any(event.id == event_id for other in others for event in timeline_of(sim.world, sim.narrator, agent, other))


ROUTES = [Route("/v1/agents/{id}/runs/{run_id}/stream", stream_run, methods=["GET"])]
