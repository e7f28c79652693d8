"""The bar over a selection of agents, and the dialog that counts before anything is done."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import problem
from cursor_monitor.domain.fleet import TAG_LIMIT, BulkAction
from cursor_monitor.services.bulk import Refusal
from cursor_monitor.state.agents import AgentsState as State

_ACTIONS = (
    (BulkAction.FOLLOWUP, "Follow up", "message-square-plus"),
    (BulkAction.STOP, "Stop", "circle-stop"),
    (BulkAction.ARCHIVE, "Archive", "archive"),
    (BulkAction.UNARCHIVE, "Unarchive", "archive-restore"),
    (BulkAction.DELETE, "Delete", "trash-2"),
    (BulkAction.TAG, "Tag", "tag"),
    (BulkAction.UNTAG, "Untag", "tag"),
    (BulkAction.PIN, "Pin", "pin"),
    (BulkAction.UNPIN, "Unpin", "pin-off"),
)
_WHAT = (
    (BulkAction.FOLLOWUP, "The same follow-up goes to each of them, once. Each is a new run, which costs money."),
    (BulkAction.STOP, "What they are doing is cancelled at Cursor. What they pushed stays."),
    (BulkAction.ARCHIVE, "They take no follow-ups until they are unarchived."),
    (BulkAction.UNARCHIVE, "They take follow-ups again."),
    (BulkAction.DELETE, "They are deleted at Cursor for good. What is known of them stays here."),
    (BulkAction.TAG, "The tag is kept here, Cursor does not see it."),
    (BulkAction.UNTAG, "The tag is taken off those that have it."),
    (BulkAction.PIN, "They are found under Pinned."),
    (BulkAction.UNPIN, "They are no longer found under Pinned."),
)


def fleet_bulk() -> rx.Component:
    """The bar, while something is chosen; what was done last; the dialog."""
    return rx.fragment(
        rx.cond((State.selected.length() > 0) | State.over_filter, _bar()),
        rx.el.div(State.bulk_done, role="status", class_name=rx.cond(State.bulk_done != "", "done", "visually-hidden")),
        _dialog(),
    )


def _bar() -> rx.Component:
    return rx.el.div(
        rx.el.strong(
            rx.cond(State.over_filter, f"All {State.count} that fit", f"{State.selected.length()} chosen"),
            class_name="num",
        ),
        rx.cond(
            ~State.over_filter & (State.count > State.selected.length()),
            rx.el.button(
                f"Choose all {State.count} that fit",
                type="button",
                class_name="button small",
                on_click=State.select_filter,
            ),
        ),
        for_operators(
            *[
                rx.el.button(
                    rx.icon(icon, size=14, aria_hidden="true"),
                    word,
                    type="button",
                    class_name="button small",
                    on_click=State.begin(action.value),
                )
                for action, word, icon in _ACTIONS
            ]
        ),
        rx.el.button("Choose none", type="button", class_name="button small", on_click=State.clear_selection),
        class_name="bulk-bar",
        role="toolbar",
        aria_label="Actions on what is chosen",
    )


def _dialog() -> rx.Component:
    word = rx.match(State.bulk_action, *[(action.value, word) for action, word, _ in _ACTIONS], "")
    what = rx.match(State.bulk_action, *[(action.value, text) for action, text in _WHAT], "")
    agents = rx.cond(State.bulk_count == 1, "agent", "agents")
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(word, " ", State.bulk_count, " ", agents, "?"),
            rx.alert_dialog.description(what),
            rx.el.form(
                problem(State.bulk_error),
                _left_out(),
                _text(),
                rx.el.div(
                    rx.alert_dialog.cancel(rx.el.button("Leave it", type="button", class_name="button")),
                    rx.el.button(
                        word,
                        " ",
                        State.bulk_count,
                        " ",
                        agents,
                        type="submit",
                        disabled=State.bulk_count == 0,
                        class_name=rx.cond(State.bulk_action == "delete", "button danger", "button primary"),
                    ),
                    class_name="actions end",
                ),
                on_submit=State.confirm_bulk,
                class_name="form",
            ),
            max_width="520px",
        ),
        open=State.bulk_action != "",
        on_open_change=State.close_bulk,
    )


def _left_out() -> rx.Component:
    return rx.cond(
        State.bulk_refused_count > 0,
        rx.el.div(
            rx.el.p(State.bulk_refused_count, " left out:", class_name="hint"),
            rx.el.ul(rx.foreach(State.bulk_refused, _refusal), class_name="left-out"),
        ),
    )


def _refusal(one: rx.Var[Refusal]) -> rx.Component:
    return rx.el.li(rx.el.code(one.id.to(str)[:11], title=one.id), " ", one.reason, key=one.id)


def _text() -> rx.Component:
    is_tagging = (State.bulk_action == "tag") | (State.bulk_action == "untag")
    return rx.cond(
        State.bulk_action == "followup",
        rx.el.div(
            rx.el.label("What they should do next", html_for="bulk_text"),
            rx.el.textarea(id="bulk_text", name="bulk_text", rows=5),
            class_name="field",
        ),
        rx.cond(
            is_tagging,
            rx.el.div(
                rx.el.label("Tag", html_for="bulk_text"),
                rx.el.input(id="bulk_text", name="bulk_text", max_length=TAG_LIMIT, list="known-tags"),
                rx.el.datalist(rx.foreach(State.tags, lambda tag: rx.el.option(value=tag)), id="known-tags"),
                class_name="field",
            ),
        ),
    )
