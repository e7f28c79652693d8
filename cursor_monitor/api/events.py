"""The events of an orchestration: a page of them, or all as they happen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from cursor_monitor import live
from cursor_monitor.api import schemas
from cursor_monitor.api.deps import MAX_SEQ, Limit, OrchestrationId, errors
from cursor_monitor.api.ending import streams
from cursor_monitor.domain.errors import NotFound, Unavailable
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.queries.page import MAX_LIMIT, Page

HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000

router = APIRouter(prefix="/orchestrations/{orchestration_id}/events", tags=["events"])

After = Annotated[int, Query(ge=0, le=MAX_SEQ, description="Only events with a higher `seq`.")]
Position = Annotated[int | None, Query(ge=0, le=MAX_SEQ, description="`next_cursor` of the page before.")]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=MAX_SEQ, description="Sent by an EventSource that reconnects."),
]


@router.get("", response_model=schemas.Listing[schemas.Event], responses=errors(404))
def list_events(
    orchestration_id: OrchestrationId, after: After = 0, cursor: Position = None, limit: Limit = 100
) -> Page[queries.EventRow]:
    """In the order in which they happened; `next_cursor` works as `cursor` and as `after`."""
    return queries.list_events(orchestration_id, after=after if cursor is None else cursor, limit=limit)


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        **errors(404),
        200: {
            "description": "One message per event, its `seq` as the id, its JSON as the data.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def stream_events(
    orchestration_id: OrchestrationId, after: After = 0, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Server-sent events: those after the given one, then each as it happens, until the client leaves."""
    start = after if last_event_id is None else last_event_id
    await run_in_threadpool(queries.list_events, orchestration_id, after=start, limit=1)
    return StreamingResponse(
        _messages(orchestration_id, start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(orchestration_id: str, after: int) -> AsyncIterator[str]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    topic = live.orchestration_topic(orchestration_id)
    with streams.open(topic):
        while not streams.are_ending:
            version = live.feed.version(topic)
            page = await _page_after(orchestration_id, after)
            if page is None:
                return
            for event in page.items:
                after = event.seq
                yield _message(event)
            if page.next_cursor is None and await _is_silent(topic, version):
                yield ": heartbeat\n\n"


async def _page_after(orchestration_id: str, after: int) -> Page[queries.EventRow] | None:
    """The next events; none while the database is out, and None once the orchestration is gone."""
    try:
        return await run_in_threadpool(queries.list_events, orchestration_id, after=after, limit=MAX_LIMIT)
    except Unavailable:
        # The feed wakes every watcher once it is connected again, so the stream need not end.
        return Page(())
    except NotFound:
        return None


async def _is_silent(topic: str, version: int) -> bool:
    return await live.feed.changed(topic, version, HEARTBEAT_SECONDS) == version


def _message(event: queries.EventRow) -> str:
    data = schemas.Event.model_validate(event).model_dump(mode="json")
    return f"id: {event.seq}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
