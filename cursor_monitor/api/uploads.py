"""Pictures for launches and follow-ups, sent as they are."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from cursor_monitor.api import schemas
from cursor_monitor.api.deps import writing_errors
from cursor_monitor.services import uploads as services
from cursor_monitor.services.caller import caller_name

router = APIRouter(prefix="/uploads", tags=["agents"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=201, response_model=schemas.Upload, responses=writing_errors(409), openapi_extra=_BODY)
async def upload(request: Request) -> services.Uploaded:
    """Take in a PNG, JPEG, GIF or WebP picture of at most 15 MB, the bytes as the body.

    Its id goes into `images` of a launch or follow-up, within a day and once.
    """
    content = await request.body()
    return await asyncio.to_thread(services.take_in, content, by=caller_name())
