"""Reflex configuration: one port, our own assets, no telemetry."""

import reflex as rx

from cursor_monitor.runtime.same_origin import SameOriginPlugin
from cursor_monitor.settings import load_settings

settings = load_settings()
local = [f"http://{host}:{settings.port}" for host in ("localhost", "127.0.0.1", "[::1]")]

config = rx.Config(
    app_name="cursor_monitor",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    disable_plugins=[rx.plugins.SitemapPlugin],
    # Several apps behind one address keep what tabs show where each of them finds it.
    redis_url=settings.redis_url,
    plugins=[rx.plugins.RadixThemesPlugin(), SameOriginPlugin()],
    # A websocket from any other page is refused.
    cors_allowed_origins=[*local, *([settings.public_url] if settings.public_url else [])],
)
