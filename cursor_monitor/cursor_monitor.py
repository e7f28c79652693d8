"""The web composition root: the app, its pages, the API beside them, and what lives as long as the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator
from functools import partial

import reflex as rx
from reflex_base import otel

from cursor_monitor import pages
from cursor_monitor.api.edge import build_edge
from cursor_monitor.api.ending import ending_streams
from cursor_monitor.api.gate import is_same_site
from cursor_monitor.components.theme import STYLESHEETS, build_theme
from cursor_monitor.domain.errors import AppError, Unavailable
from cursor_monitor.live import feed
from cursor_monitor.logs import configure_logging
from cursor_monitor.services.first_admin import ensure_first_admin
from cursor_monitor.services.startup import begin_tracing, close_all, open_all
from cursor_monitor.settings import Settings, SettingsError, load_settings
from cursor_monitor.state.guard import EventGuard
from cursor_monitor.tracing import stop_tracing

__all__ = ["app", "pages"]

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Open the database and listen for changes; after the fork, so that no connection is shared."""
    settings = load_settings()
    configure_logging(settings.log_level)
    open_all(settings, pool_size=20)
    if provider := begin_tracing(settings, "app"):
        otel.enable(provider)  # the pages' framework tells of their events by itself
    await asyncio.to_thread(make_first_admin, settings)
    listening = asyncio.create_task(feed.run(), name="changes")
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        otel.disable()
        stop_tracing()
        close_all()


def make_first_admin(settings: Settings) -> None:
    """Make the administrator whom the configuration names; while the database is out, the sign-in page does it."""
    try:
        ensure_first_admin(settings)
    except Unavailable:
        log.warning("the first administrator waits for the database")
    except AppError as error:
        raise SettingsError(f"ADMIN_EMAIL, ADMIN_PASSWORD: {error.message}") from error


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
        rx.el.script(src="/palette.js", defer=True),
        rx.el.script(src="/drafts.js", defer=True),
        rx.el.script(src="/attention.js", defer=True),
    ],
    api_transformer=build_edge(),
    backend_exception_handler=report,
)
_settings = load_settings()
app.add_middleware(EventGuard(is_closed=_settings.requires_sign_in), index=0)
if app.sio is not None and not _settings.is_local:
    # Under which names others reach this server is not ours to list: a page may connect to where it came from.
    app.sio.eio.cors_allowed_origins = partial(is_same_site, public_url=_settings.public_url)
app.register_lifespan_task(lifespan)
app.register_lifespan_task(ending_streams)
