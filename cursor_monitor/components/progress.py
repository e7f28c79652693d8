"""So many of so many."""

from __future__ import annotations

import reflex as rx


def progress(done: rx.Var[int], total: rx.Var[int]) -> rx.Component:
    """A bar with its numbers, which are what is read out."""
    share = rx.cond(total > 0, done / total * 100, 0)
    return rx.el.span(
        rx.el.span(rx.el.span(style={"width": f"{share}%"}), class_name="progress-bar", aria_hidden="true"),
        rx.el.span(done, " of ", total, class_name="num"),
        class_name="progress",
    )
