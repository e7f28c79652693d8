"""The command palette and the sheet of shortcuts; assets/palette.js opens, filters and steers them by keyboard.

An option with `data-keys` is also what those keys do anywhere on the page: keys and palette are one list. A control of
a page that carries `data-command` is offered by the palette for as long as it is there.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_admins, for_operators
from cursor_monitor.components.nav import FOR_ADMINS, PLACES
from cursor_monitor.components.status_badge import status_icon
from cursor_monitor.queries.palette import Hit
from cursor_monitor.state.palette import PaletteState as State

_KEYS = {
    routes.OVERVIEW: "g h",
    routes.ORCHESTRATIONS: "g o",
    routes.AGENTS: "g a",
    routes.QUEUE: "g q",
    routes.PROFILES: "g p",
    routes.HEALTH: "g e",
    routes.SETTINGS: "g s",
    routes.ACCESS: "g u",
    routes.AUDIT: "g l",
    "/templates": "g t",
    "/schedules": "g c",
}
_IN_LISTS = (
    ("j", "Next row"),
    ("k", "Row before"),
    ("Enter", "Open the row"),
    ("x", "Choose the row, where rows can be chosen"),
    ("/", "Search this page"),
)
_ANYWHERE = (("Ctrl K", "Command palette"), ("?", "This sheet"), ("Esc", "Close what is open"))


def command(name: str) -> dict[str, str]:
    """The attributes that put a control of a page into the palette, under this name."""
    return {"data-command": name}


def palette() -> rx.Component:
    """Both dialogs; closed until they are asked for."""
    return rx.fragment(_palette(), _shortcuts())


def palette_button() -> rx.Component:
    """What opens the palette for those who do not know its key."""
    return rx.el.button(
        rx.icon("search", size=15, aria_hidden="true"),
        rx.el.span("Search or do", class_name="hide-phone"),
        rx.el.kbd("Ctrl K", class_name="hide-phone", aria_hidden="true"),
        type="button",
        class_name="palette-button",
        aria_label="Search or do",
        aria_haspopup="dialog",
        custom_attrs={"data-open": "palette", "aria-keyshortcuts": "Control+K Meta+K"},
    )


def _palette() -> rx.Component:
    return rx.el.dialog(
        rx.el.div(
            rx.icon("search", size=16, aria_hidden="true"),
            rx.el.input(
                id="palette-input",
                role="combobox",
                auto_complete="off",
                placeholder="Go to, find, or do…",
                aria_label="Go to, find, or do",
                aria_expanded="true",
                aria_controls="palette-list",
                aria_autocomplete="list",
                max_length=200,
                on_change=State.search.debounce(120),
            ),
            class_name="palette-top",
        ),
        rx.el.div(
            rx.el.div(role="group", aria_label="On this page", custom_attrs={"data-page-commands": "true"}),
            rx.el.div(rx.foreach(State.orchestrations, _hit), role="group", aria_label="Orchestrations"),
            rx.el.div(rx.foreach(State.agents, _hit), role="group", aria_label="Agents"),
            rx.el.div(*_actions(), role="group", aria_label="Do"),
            rx.el.div(
                *[_place(*place) for place in PLACES],
                for_admins(*[_place(*place) for place in FOR_ADMINS]),
                role="group",
                aria_label="Go to",
            ),
            rx.el.div(_conversations(), role="group", aria_label="Search"),
            id="palette-list",
            role="listbox",
            aria_label="Commands",
        ),
        rx.cond(State.problem != "", rx.el.p(State.problem, class_name="field-error", role="alert")),
        rx.el.p(class_name="hint palette-foot", role="status", custom_attrs={"data-found": "true"}),
        id="palette",
        aria_label="Command palette",
        class_name="palette",
    )


def _actions() -> list[rx.Component]:
    return [
        for_operators(
            _link("New orchestration", routes.NEW_ORCHESTRATION, "plus", "n"),
            _link("New agent", routes.NEW_AGENT, "bot", "shift+n"),
        ),
        _button("Switch between light and dark", "sun-moon", on_click=rx.toggle_color_mode),
        _button("Keyboard shortcuts", "keyboard", keys="?", data={"data-open": "shortcuts"}),
    ]


def _place(href: str, word: str, icon: str) -> rx.Component:
    return _link(word, href, icon, _KEYS.get(href, ""))


def _conversations() -> rx.Component:
    return rx.link(
        rx.icon("text-search", size=15, aria_hidden="true"),
        rx.el.span("Search all conversations", rx.cond(State.q != "", rx.el.span(" for “", State.q, "”"))),
        href=State.search_href,
        underline="none",
        role="option",
        tab_index=-1,
        custom_attrs={"data-always": "true", "data-keys": "g f"},
    )


def _hit(hit: rx.Var[Hit]) -> rx.Component:
    return rx.link(
        status_icon(hit.status),
        rx.el.span(hit.name, class_name="cut"),
        rx.el.span(hit.where, class_name="mono faint cut"),
        href=hit.href,
        underline="none",
        role="option",
        tab_index=-1,
        custom_attrs={"data-always": "true"},
        key=hit.id,
    )


def _link(word: str, href: str, icon: str, keys: str) -> rx.Component:
    return rx.link(*_content(word, icon, keys), href=href, underline="none", **_option(keys))


def _button(word: str, icon: str, *, keys: str = "", data: dict[str, str] | None = None, **props: Any) -> rx.Component:
    return rx.el.button(*_content(word, icon, keys), type="button", **_option(keys, data), **props)


def _option(keys: str, data: dict[str, str] | None = None) -> dict[str, Any]:
    attributes = {**(data or {}), **({"data-keys": keys} if keys else {})}
    return {"role": "option", "tab_index": -1, "custom_attrs": attributes}


def _content(word: str, icon: str, keys: str) -> tuple[rx.Component, ...]:
    return (rx.icon(icon, size=15, aria_hidden="true"), rx.el.span(word), _key_caps(keys))


def _key_caps(keys: str) -> rx.Component:
    caps = [rx.el.kbd(key.upper() if len(key) == 1 else key.title()) for key in keys.replace("+", " ").split()]
    return rx.el.span(*caps, class_name="keys", aria_hidden="true") if caps else rx.fragment()


def _shortcuts() -> rx.Component:
    places = [(_KEYS[href], word) for href, word, _ in (*PLACES, *FOR_ADMINS) if href in _KEYS]
    return rx.el.dialog(
        rx.el.div(
            rx.el.h2("Keyboard shortcuts"),
            rx.el.button("Close", type="button", class_name="button small", custom_attrs={"data-close": "true"}),
            class_name="task-top",
        ),
        rx.el.div(
            _sheet("Anywhere", (*_ANYWHERE, ("n", "New orchestration"), ("shift n", "New agent"))),
            _sheet("In lists", _IN_LISTS),
            _sheet("Go to", (*places, ("g f", "Search all conversations"))),
            class_name="sheets",
        ),
        rx.el.label(
            rx.el.input(type="checkbox", default_checked=True, custom_attrs={"data-single-keys": "true"}),
            rx.el.span("Single keys work on this browser (never while a text is written)"),
            class_name="switch",
        ),
        id="shortcuts",
        aria_label="Keyboard shortcuts",
        class_name="palette sheet",
    )


def _sheet(title: str, rows: tuple[tuple[str, str], ...]) -> rx.Component:
    pairs = [child for keys, word in rows for child in (rx.el.dt(_caps_of(keys)), rx.el.dd(word))]
    return rx.el.section(rx.el.h3(title), rx.el.dl(*pairs, class_name="facts"))


def _caps_of(keys: str) -> rx.Component:
    return rx.el.span(*[rx.el.kbd(key.upper() if len(key) == 1 else key.title()) for key in keys.split()])
