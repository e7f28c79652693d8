"""Small plots of bars: a word or two, the bars, and each bar's words for who points at it or cannot see it."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.state.trends import Bar


def plot(title: str, words: rx.Var[str], bars: rx.Var[list[Bar]], ends: tuple[str, str]) -> rx.Component:
    """One plot with its sum in words; `ends` name the first and the last bar."""
    return rx.el.figure(
        rx.el.figcaption(rx.el.strong(title), rx.el.span(words, class_name="num faint")),
        rx.el.ol(rx.foreach(bars, _bar), class_name="plot-bars"),
        rx.el.div(rx.el.span(ends[0]), rx.el.span(ends[1]), class_name="plot-ends", aria_hidden="true"),
        class_name="plot",
    )


def _bar(bar: rx.Var[Bar]) -> rx.Component:
    return rx.el.li(
        rx.el.span(bar.words, class_name="visually-hidden"),
        *[
            rx.el.span(style={"height": f"{share}%"}, class_name=f"plot-part {tone}", aria_hidden="true")
            for share, tone in ((bar.bad, "tone-bad"), (bar.good, "tone-good"), (bar.plain, "tone-running"))
        ],
        title=bar.words,
    )
