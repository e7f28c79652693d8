"""Notifications: where people outside are told of what happens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import Cursor, Limit, errors, require_json, writing_errors
from cursor_monitor.api.schemas_notifications import Channel, ChannelBody, ChannelChangeBody, Delivery, NewChannel
from cursor_monitor.queries import notifications as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import notification_channels as services

router = APIRouter(prefix="/notifications", tags=["notifications"])
ChannelId = Annotated[Text, Path(description="The id of a channel.")]


@router.get("", response_model=schemas.Listing[Channel], responses=errors())
def list_channels() -> Page[queries.ChannelRow]:
    """Every channel, by name."""
    return Page(queries.list_channels())


@router.post(
    "",
    status_code=201,
    response_model=NewChannel,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def create(body: ChannelBody, response: Response) -> dict[str, Any]:
    """Add a channel; the signing secret of a webhook is in this answer alone."""
    made = services.create(body.given())
    response.headers["Location"] = f"{routes.API}/notifications/{made.id}"
    return {**asdict(queries.get_channel(made.id)), "secret": made.secret}


@router.get("/{channel_id}", response_model=Channel, responses=errors(404))
def get_channel(channel_id: ChannelId) -> queries.ChannelRow:
    """One channel."""
    return queries.get_channel(channel_id)


@router.patch(
    "/{channel_id}",
    response_model=Channel,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def change(channel_id: ChannelId, body: ChannelChangeBody) -> queries.ChannelRow:
    """Change what is given and keep the rest."""
    services.change(channel_id, body.model_dump(exclude_unset=True))
    return queries.get_channel(channel_id)


@router.delete("/{channel_id}", status_code=204, responses=writing_errors(404))
def delete(channel_id: ChannelId) -> None:
    """Forget the channel, its address and what went over it."""
    services.delete(channel_id)


@router.post("/{channel_id}/test", status_code=202, response_model=Channel, responses=writing_errors(404, 409))
def send_test(channel_id: ChannelId) -> queries.ChannelRow:
    """Have a worker send a message that says it is a test; its outcome is among the deliveries."""
    services.send_test(channel_id)
    return queries.get_channel(channel_id)


@router.get("/{channel_id}/deliveries", response_model=schemas.Listing[Delivery], responses=errors(404))
def list_deliveries(channel_id: ChannelId, cursor: Cursor = None, limit: Limit = 50) -> Page[queries.DeliveryRow]:
    """What went over it in the last 30 days, the newest first."""
    return queries.list_deliveries(channel_id, cursor=cursor, limit=limit)
