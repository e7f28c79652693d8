"""The shell around every page: navigation, bar, banners, one heading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.attention import bell
from cursor_monitor.components.nav import bottom_tabs, sidebar
from cursor_monitor.components.palette import palette, palette_button
from cursor_monitor.components.theme import Fonts
from cursor_monitor.components.time import age
from cursor_monitor.components.user_menu import user_menu
from cursor_monitor.state.attention import AttentionState
from cursor_monitor.state.shell import Saying, ShellState

PageFunction = Callable[[], rx.Component]


def page(
    route: str, *, title: str, active: str, crumbs: Sequence[tuple[str, str]] = (), on_load: Sequence[Any] = ()
) -> Callable[[PageFunction], PageFunction]:
    """Register a function as a page inside the shell; `on_load` are the handlers that keep it fresh."""

    def register(content: PageFunction) -> PageFunction:
        def whole() -> rx.Component:
            return _shell(content(), active, crumbs or ((title, active),))

        whole.__name__ = content.__name__
        rx.page(
            route=route, title=f"{title} · Cursor Monitor", on_load=[ShellState.watch, *on_load, AttentionState.watch]
        )(whole)
        return content

    return register


def header(title: Any, *line: rx.Component, actions: Sequence[rx.Component] = ()) -> rx.Component:
    """The page's one heading, a line of facts, its actions."""
    return rx.el.div(
        rx.el.div(rx.el.h1(title), rx.el.div(*line, class_name="line") if line else rx.fragment()),
        rx.el.div(*actions, class_name="actions"),
        class_name="page-head",
    )


def _shell(content: rx.Component, active: str, crumbs: Sequence[tuple[str, str]]) -> rx.Component:
    return rx.el.div(
        Fonts.create(),
        # An address with a # is the router's, which does not move the focus.
        rx.el.a("Skip to the content", href="#content", class_name="skip", on_click=rx.set_focus("content")),
        sidebar(active),
        rx.el.div(
            _topbar(crumbs),
            _banners(),
            rx.el.main(content, id="content", class_name="page", tab_index=-1),
        ),
        bottom_tabs(active),
        palette(),
        _toasts(),
        class_name="shell",
    )


def _topbar(crumbs: Sequence[tuple[str, str]]) -> rx.Component:
    trail: list[rx.Component] = []
    for index, (word, href) in enumerate(crumbs):
        if index:
            trail.append(rx.icon("chevron-right", size=14, aria_hidden="true"))
        trail.append(rx.link(word, href=href, underline="none", class_name="cut"))
    return rx.el.header(
        rx.el.nav(*trail, class_name="crumbs", aria_label="Breadcrumbs"),
        rx.el.div(
            rx.cond(
                ShellState.is_simulated,
                rx.el.span(
                    "Simulator", class_name="badge tone-paused", title="Cursor's API is played, nothing is spent"
                ),
            ),
            palette_button(),
            bell(),
            _theme_toggle(),
            user_menu(),
            class_name="right",
        ),
        class_name="topbar",
    )


def _theme_toggle() -> rx.Component:
    return rx.el.button(
        rx.color_mode_cond(rx.icon("moon", size=16, aria_hidden="true"), rx.icon("sun", size=16, aria_hidden="true")),
        type="button",
        class_name="icon-button",
        aria_label="Switch between light and dark",
        on_click=rx.toggle_color_mode,
    )


def _banners() -> rx.Component:
    return rx.el.div(
        rx.cond(ShellState.refusal != "", _banner("person", ShellState.refusal)),
        rx.cond(
            ShellState.database_is_out,
            _banner(
                "bad",
                "The database cannot be reached. What you see is the last known state, from ",
                age(ShellState.as_of),
                ". It goes on by itself.",
            ),
        ),
        rx.cond(
            ShellState.worker_is_out & ~ShellState.database_is_out,
            _banner(
                "person",
                ShellState.worker_message,
                rx.cond(
                    ShellState.worker_seen_at != "", rx.el.span(" Last seen ", age(ShellState.worker_seen_at), ".")
                ),
            ),
        ),
        rx.cond(
            (ShellState.accounts_refused != "") & ~ShellState.database_is_out,
            _banner(
                "bad",
                ShellState.accounts_refused,
                " ",
                rx.link("Settings", href=routes.SETTINGS, class_name="banner-link"),
            ),
        ),
        role="status",
        aria_live="polite",
    )


def _toasts() -> rx.Component:
    return rx.el.div(
        rx.foreach(ShellState.sayings, _toast), class_name="toasts", role="status", aria_live="polite", id="toasts"
    )


def _toast(saying: rx.Var[Saying]) -> rx.Component:
    return rx.el.p(
        rx.icon("circle-check", size=15, aria_hidden="true"), saying.text, class_name="toast", key=saying.number
    )


def _banner(tone: str, *content: Any) -> rx.Component:
    return rx.el.div(
        rx.icon("triangle-alert", size=15, aria_hidden="true"),
        rx.el.span(*content),
        class_name=f"banner tone-{tone}",
    )
