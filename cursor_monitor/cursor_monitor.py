"""The web composition root: the app, its pages, the API beside them, and what lives as long as the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator

import reflex as rx

from cursor_monitor import pages
from cursor_monitor.api.edge import build_edge
from cursor_monitor.api.ending import ending_streams
from cursor_monitor.components.theme import STYLESHEETS, build_theme
from cursor_monitor.live import feed
from cursor_monitor.logs import configure_logging
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import load_settings

__all__ = ["app", "pages"]

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Open the database and listen for changes; after the fork, so that no connection is shared."""
    settings = load_settings()
    configure_logging(settings.log_level)
    open_all(settings, pool_size=20)
    listening = asyncio.create_task(feed.run(), name="changes")
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        close_all()


def report(exception: Exception) -> None:
    """Log what a handler did not expect, under an id that tells two reports apart."""
    log.error("an event handler failed", exc_info=exception, extra={"reference": uuid.uuid4().hex[:8]})


app = rx.App(
    theme=build_theme(),
    stylesheets=STYLESHEETS,
    html_lang="en",
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.script(src="/relative-time.js", defer=True),
        rx.el.script(src="/pictures.js", defer=True),
        rx.el.script(src="/conversation.js", defer=True),
    ],
    api_transformer=build_edge(),
    backend_exception_handler=report,
)
app.register_lifespan_task(lifespan)
app.register_lifespan_task(ending_streams)
