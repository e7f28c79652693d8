"""A state as icon and word; the only place where a state gets its colour."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.theme import LOOKS, Look


def status_badge(status: rx.Var[str] | str) -> rx.Component:
    """The badge of any state that LOOKS knows; a word never seen before is shown as it is."""
    cases = [(name, _badge(look)) for name, look in LOOKS.items()]
    return rx.match(status, *cases, _badge(Look("gone", "circle-help", ""), status))


def checks_badge(summary: rx.Var[str]) -> rx.Component:
    """The sum of all checks of a head."""
    return status_badge(rx.cond(summary == "pending", "under-way", summary))


def status_icon(status: rx.Var[str] | str) -> rx.Component:
    """The same without the word, for dense lists; the word is its label."""
    cases = [
        (name, rx.el.span(_icon(look), class_name=f"state tone-{look.tone}", role="img", aria_label=look.word))
        for name, look in LOOKS.items()
    ]
    return rx.match(status, *cases, rx.el.span("·", class_name="state tone-gone"))


def _badge(look: Look, word: rx.Var[str] | str | None = None) -> rx.Component:
    return rx.el.span(
        _icon(look), rx.el.span(look.word if word is None else word), class_name=f"badge tone-{look.tone}"
    )


def _icon(look: Look) -> rx.Component:
    return rx.icon(look.icon, size=14, class_name="pulse" if look.tone == "running" else "", aria_hidden="true")
