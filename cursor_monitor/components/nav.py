"""Where one can go: the sidebar, and the tabs at the bottom of a phone."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_admins

PLACES: tuple[tuple[str, str, str], ...] = (
    (routes.OVERVIEW, "Overview", "layout-dashboard"),
    (routes.ORCHESTRATIONS, "Orchestrations", "workflow"),
    (routes.AGENTS, "Agents", "bot"),
    (routes.QUEUE, "Queue", "list-ordered"),
    (routes.PROFILES, "Profiles", "folder-git-2"),
    (routes.TEMPLATES, "Templates", "notebook-text"),
    (routes.SCHEDULES, "Schedules", "calendar-clock"),
    (routes.HEALTH, "Health", "activity"),
    (routes.SETTINGS, "Settings", "settings"),
)
FOR_ADMINS: tuple[tuple[str, str, str], ...] = (
    (routes.ACCESS, "Access", "users"),
    (routes.AUDIT, "Audit log", "scroll-text"),
)

_NOT_ON_PHONES = (routes.PROFILES, routes.TEMPLATES, routes.SCHEDULES)  # which the settings lead to


def sidebar(active: str) -> rx.Component:
    """The places, with the present one marked."""
    return rx.el.nav(
        rx.el.a(
            rx.el.img(src="/favicon.svg", alt=""),
            "Cursor Monitor",
            href=routes.OVERVIEW,
            class_name="brand",
        ),
        *[_link(place, active, "nav-link", 16) for place in PLACES],
        for_admins(*[_link(place, active, "nav-link", 16) for place in FOR_ADMINS]),
        class_name="sidebar",
        aria_label="Main",
    )


def bottom_tabs(active: str) -> rx.Component:
    """The same for a phone."""
    return rx.el.nav(
        *[_link(place, active, "", 18) for place in PLACES if place[0] not in _NOT_ON_PHONES],
        class_name="tabs-bar",
        aria_label="Main, phone",
    )


def _link(place: tuple[str, str, str], active: str, class_name: str, size: int) -> rx.Component:
    href, word, icon = place
    current = {"aria-current": "page"} if href == active else {}
    return rx.link(
        rx.icon(icon, size=size, aria_hidden="true"),
        word,
        href=href,
        underline="none",
        class_name=class_name,
        custom_attrs=current,
    )
