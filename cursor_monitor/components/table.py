"""Tables with a head, server-side pages, and filters that live in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

Head = tuple[str, str] | rx.Component


def data_table(
    state: Any, caption: str, heads: Sequence[Head], row: Callable[[Any], rx.Component], kind: str = ""
) -> rx.Component:
    """The rows of a list's state under their heads, and the way to the next page."""
    return rx.fragment(
        table(caption, heads, rx.foreach(state.rows, row), kind),
        pager(state.cursor == "", state.next_cursor != "", state.first_page, state.next_page),
    )


def table(caption: str, heads: Sequence[Head], body: rx.Component, kind: str = "") -> rx.Component:
    """A table; a head is a word and a class, or a cell of its own; the caption is for those who cannot see it."""
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="visually-hidden"),
            rx.el.thead(rx.el.tr(*map(_head, heads))),
            rx.el.tbody(body),
            class_name=f"table {kind}".strip(),
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label=caption,
    )


def _head(head: Head) -> rx.Component:
    return rx.el.th(head[0], scope="col", class_name=head[1]) if isinstance(head, tuple) else head


def filter_bar(
    is_filtered: Any, on_clear: Any, *controls: rx.Component, after: Sequence[rx.Component] = ()
) -> rx.Component:
    """The filters of a list in one row, and one click back to everything."""
    return rx.el.div(
        *controls,
        rx.cond(is_filtered, rx.el.button("Clear", type="button", class_name="button small", on_click=on_clear)),
        *after,
        class_name="filters",
        role="search",
    )


def pager(is_first: Any, has_next: Any, on_first: Any, on_next: Any) -> rx.Component:
    """To the beginning, or on."""
    return rx.cond(
        has_next | ~is_first,
        rx.el.nav(
            rx.el.button("Newest", type="button", class_name="button small", disabled=is_first, on_click=on_first),
            rx.el.button("Next page", type="button", class_name="button small", disabled=~has_next, on_click=on_next),
            class_name="pager",
            aria_label="Pages",
        ),
    )


def search_box(label: str, value: Any, on_change: Any) -> rx.Component:
    """A search that asks once typing rests."""
    return rx.el.input(
        type="search", placeholder=label, aria_label=label, default_value=value, on_change=on_change.debounce(300)
    )


def filter_choice(label: str, value: Any, options: Sequence[tuple[str, str]], on_change: Any) -> rx.Component:
    """A filter with few values; the first option means all."""
    return rx.el.select(
        *[rx.el.option(word, value=key) for key, word in options], value=value, on_change=on_change, aria_label=label
    )
