"""The settings that are kept in the database: one component for each section."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.accounts import accounts_section
from cursor_monitor.components.layout import header, page
from cursor_monitor.state.accounts import AccountsState


@page(routes.SETTINGS, title="Settings", active=routes.SETTINGS, on_load=[AccountsState.watch])
def settings() -> rx.Component:
    """All sections, one below the other."""
    return rx.fragment(
        header("Settings", rx.el.span("What is set by the environment is described in docs/configuration.md.")),
        rx.el.p(
            "What holds for work in some repositories is set up under ",
            rx.link("repository profiles", href=routes.PROFILES, class_name="banner-link"),
            ", prompts to be used again under ",
            rx.link("templates", href=routes.TEMPLATES, class_name="banner-link"),
            ", what is launched by the clock under ",
            rx.link("schedules", href=routes.SCHEDULES, class_name="banner-link"),
            ", who is told of what under ",
            rx.link("notifications", href=routes.NOTIFICATIONS, class_name="banner-link"),
            "; who may come in, and with which API tokens, under ",
            rx.link("access", href=routes.ACCESS, class_name="banner-link"),
            ".",
            class_name="hint",
        ),
        accounts_section(),
    )
