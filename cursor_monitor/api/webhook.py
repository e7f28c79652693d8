"""Where Cursor's webhooks arrive: signed by Cursor, so that nobody has to sign in."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from cursor_monitor.api import schemas
from cursor_monitor.api.deps import writing_errors
from cursor_monitor.services import webhooks

router = APIRouter(tags=["webhook"])


@router.post(
    "/webhook",
    response_model=schemas.TakenDelivery,
    responses=writing_errors(401, 409),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}},
)
async def receive(request: Request) -> schemas.TakenDelivery:
    """Take a delivery of Cursor, signed with the secret; it is kept before it is answered, and makes a worker look."""
    body = await request.body()
    return schemas.TakenDelivery(status=await asyncio.to_thread(webhooks.receive, body, dict(request.headers)))
