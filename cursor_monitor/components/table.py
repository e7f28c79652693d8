"""Tables with a head, server-side pages, and filters that live in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx


def table(caption: str, heads: Sequence[tuple[str, str]], body: rx.Component) -> rx.Component:
    """A table; each head is a word and a class, the caption is for those who cannot see it."""
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="visually-hidden"),
            rx.el.thead(rx.el.tr(*[rx.el.th(word, scope="col", class_name=kind) for word, kind in heads])),
            rx.el.tbody(body),
            class_name="table",
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label=caption,
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
