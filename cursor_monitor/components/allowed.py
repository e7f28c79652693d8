"""What only some roles see; the handlers behind it check on their own."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.state.shell import ShellState


def for_operators(*content: rx.Component) -> rx.Component:
    """Content for those who may launch, steer and end work."""
    return rx.cond(ShellState.may_operate, rx.fragment(*content)) if content else rx.fragment()


def for_admins(*content: rx.Component) -> rx.Component:
    """Content for those who manage people, tokens and keys."""
    return rx.cond(ShellState.may_admin, rx.fragment(*content)) if content else rx.fragment()
