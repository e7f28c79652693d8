"""What the API reads and answers about notifications."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cursor_monitor.api.bodies import Body, Text
from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.domain.notifications import CHOICES, ChannelKind

_EVENTS: dict[str, Any] = {
    "minItems": 1,
    "anyOf": [{"type": "array", "items": {"type": "string", "enum": [*map(str, CHOICES)]}}, {"type": "null"}],
}


def _given(description: str, **schema: Any) -> Any:
    return Field(default=None, description=description, json_schema_extra=schema or None)


class ChannelChangeBody(Body):
    """What is to change; the rest stays, `repository` null is all of them again."""

    name: Text | None = _given("What people call it.", maxLength=60)
    target: Text | None = _given(
        "The address of the webhook, or e-mail addresses separated by commas; never shown again."
    )
    secret: Text | None = _given("What a webhook is signed with: whsec_ and base64; made where absent.")
    events: list[Text] | None = _given("What it is told of.", **_EVENTS)
    repository: Text | None = _given("Only of repositories that fit: acme/web, acme/*.", maxLength=255)
    per_minute: int | None = _given("Messages a minute, at most.", minimum=1, maximum=600)
    is_enabled: bool | None = _given("False: it is told of nothing.")


class ChannelBody(Body):
    """A new way out."""

    name: Text = Field(description="What people call it.", json_schema_extra={"minLength": 1, "maxLength": 60})
    kind: Text = Field(description="How it is told.", json_schema_extra={"enum": [*map(str, ChannelKind)]})
    target: Text = Field(description="The address of the webhook, or e-mail addresses separated by commas.")
    secret: Text | None = _given("What a webhook is signed with: whsec_ and base64; made where absent.")
    events: list[Text] | None = _given("What it is told of; everything where absent.", **_EVENTS)
    repository: Text | None = _given("Only of repositories that fit: acme/web, acme/*.", maxLength=255)
    per_minute: int | None = _given("Messages a minute, at most; 30 where absent.", minimum=1, maximum=600)
    is_enabled: bool | None = _given("False: it is told of nothing.")


class Channel(Answer):
    """A way out; of its address only where it leads."""

    id: str
    name: str
    kind: str
    target_hint: str
    events: list[str]
    repository: str | None
    per_minute: int
    is_enabled: bool
    sent_at: Time | None
    failed_at: Time | None
    failure: str | None = Field(description="Why the last delivery failed; null once one went well.")
    created_by: str
    created_at: Time
    updated_at: Time


class NewChannel(Channel):
    """The same, with the signing secret, which is shown this once."""

    secret: str | None


class Delivery(Answer):
    """One notification on one channel."""

    id: str
    kind: str
    title: str
    text: str
    status: str = Field(description="pending, sent, failed or dropped.")
    attempts: int
    error: str | None
    created_at: Time
    tried_at: Time | None
    finished_at: Time | None
