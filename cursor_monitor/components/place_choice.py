"""Repository and branch to choose: suggestions narrow as one types, anything may be typed."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.components.form import text_input

_QUIET_MS = 300  # without typing, before the branches are looked for


def repository_input(state: Any, name: str = "repository", **props: Any) -> rx.Component:
    """A repository, out of those that the account can reach."""
    looked_for = state.choose_repository.debounce(_QUIET_MS)
    return text_input(name, placeholder="owner/repo", list="repositories", on_change=looked_for, **props)


def branch_input(name: str = "ref", **props: Any) -> rx.Component:
    """A branch, out of those that are known."""
    return text_input(name, placeholder="the repository's default", list="branches", **props)


def place_lists(state: Any) -> rx.Component:
    """The suggestions; once in a form."""
    return rx.fragment(
        rx.el.datalist(rx.foreach(state.repositories, lambda url: rx.el.option(value=url)), id="repositories"),
        rx.el.datalist(rx.foreach(state.branches, lambda branch: rx.el.option(value=branch)), id="branches"),
    )
