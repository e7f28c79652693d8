"""Notifications: the channels, what went over them, and the form of one."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_admins
from cursor_monitor.components.feedback import confirm, empty, facts, problem
from cursor_monitor.components.form import field, text_input
from cursor_monitor.components.layout import page
from cursor_monitor.components.managed import managed
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age
from cursor_monitor.domain.notifications import NoticeKind
from cursor_monitor.state.notifications import ChannelLine, DeliveryLine
from cursor_monitor.state.notifications import NotificationsState as State

_KINDS = [("slack", "Slack, or what takes the same"), ("webhook", "Webhook, signed"), ("email", "E-mail")]
_WORDS: tuple[tuple[NoticeKind, str], ...] = (
    (NoticeKind.WAITING, "An orchestration waits for approval"),
    (NoticeKind.BLOCKED, "An orchestration is blocked"),
    (NoticeKind.FAILED, "An orchestration failed"),
    (NoticeKind.PARTIAL, "An orchestration ended in part"),
    (NoticeKind.COMPLETED, "An orchestration is completed"),
    (NoticeKind.STOPPED, "An orchestration was stopped"),
    (NoticeKind.BUDGET_NEAR, "Most of a budget is used"),
    (NoticeKind.ACCOUNT_REFUSED, "Cursor refuses an account"),
    (NoticeKind.WORKER_LOST, "A worker fell silent"),
    (NoticeKind.JOB_GIVEN_UP, "Jobs were given up"),
    (NoticeKind.SCHEDULE_FAILED, "A schedule could not launch"),
)


@page(
    routes.NOTIFICATIONS,
    title="Notifications",
    active=routes.SETTINGS,
    crumbs=(("Settings", routes.SETTINGS), ("Notifications", routes.NOTIFICATIONS)),
    on_load=[State.forget_secret, State.watch],
)
def notifications() -> rx.Component:
    """The channels, and the form above them."""
    return managed(
        State,
        "Notifications",
        "Who is told, where, and of what. A worker sends them, and tries again where it must.",
        new="New channel",
        form=_form(),
        nothing=_nothing(),
        card=_channel,
        label="Channels",
        allowed=for_admins,
        above=rx.cond(State.made_secret != "", _secret()),
    )


def _secret() -> rx.Component:
    return rx.el.div(
        rx.el.p("What this webhook is signed with. Copy it now, it is shown this once:"),
        rx.el.code(State.made_secret, class_name="mono", id="made-secret"),
        class_name="card",
        role="status",
    )


def _nothing() -> rx.Component:
    return empty(
        "Nobody is told of anything yet",
        "A channel tells your team's chat, a program of yours or a mailbox when work needs a person or is done.",
    )


def _channel(row: rx.Var[ChannelLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h2(row.name, class_name="cut"),
            rx.el.span(row.kind, class_name="chip"),
            rx.cond(row.is_enabled, rx.fragment(), rx.el.span("off", class_name="chip")),
            for_admins(_actions(row)),
            class_name="task-top",
        ),
        rx.cond(row.failure != "", problem("The last delivery failed: " + row.failure)),
        facts(
            [
                ("To", row.target),
                ("Of", row.events),
                ("Limits", row.limits),
                ("Last sent", rx.cond(row.sent_at != "", age(row.sent_at), "never")),
            ]
        ),
        rx.cond(
            row.deliveries.length() > 0,
            rx.el.ul(rx.foreach(row.deliveries, _delivery), class_name="plain", aria_label="Newest deliveries"),
        ),
        class_name="card",
        key=row.id,
    )


def _delivery(line: rx.Var[DeliveryLine]) -> rx.Component:
    return rx.el.li(
        status_badge(line.status),
        rx.el.span(line.title, class_name="cut"),
        rx.cond(line.error != "", rx.el.span(line.error, class_name="hint cut")),
        age(line.at),
        class_name="task-top",
        key=line.id,
    )


def _actions(row: rx.Var[ChannelLine]) -> rx.Component:
    return rx.el.div(
        _button("Send a test", row, State.act("test", row.id)),
        _button("Edit", row, State.open_form(row.id)),
        rx.cond(
            row.is_enabled,
            _button("Switch off", row, State.act("disable", row.id)),
            _button("Switch on", row, State.act("enable", row.id)),
        ),
        confirm(
            rx.el.button("Delete", type="button", class_name="button small", aria_label="Delete " + row.name),
            "Delete this channel?",
            "Its address and the list of what went over it are forgotten.",
            "Delete it",
            State.act("delete", row.id),
        ),
        class_name="actions",
    )


def _button(word: str, row: rx.Var[ChannelLine], on_click: rx.event.EventSpec) -> rx.Component:
    return rx.el.button(
        word, type="button", class_name="button small", aria_label=f"{word}: " + row.name, on_click=on_click
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.h2(rx.cond(State.chosen == "new", "New channel", "Edit the channel")),
        rx.el.div(
            _text("name", "Name", "What people call it, such as team chat."),
            rx.cond(State.chosen == "new", _kind(), rx.fragment()),
            class_name="form-row",
        ),
        _target(),
        _events(),
        rx.el.div(
            _text("repository", "Only these repositories", "acme/web or acme/*. Empty: all, and what is about none."),
            _text("per_minute", "Messages a minute, at most", "1 to 600; what is above waits."),
            class_name="form-row",
        ),
        rx.el.div(
            rx.el.button(
                rx.cond(State.is_sending, "Saving…", "Save"),
                type="submit",
                class_name="button primary",
                disabled=State.is_sending,
            ),
            rx.el.button("Cancel", type="button", class_name="button", on_click=State.open_form("")),
            class_name="actions",
        ),
        on_submit=State.submit,
        class_name="form card",
        no_validate=True,
        key=State.chosen,
    )


def _kind() -> rx.Component:
    options = [rx.el.option(word, value=value) for value, word in _KINDS]
    select = rx.el.select(*options, id="kind", name="kind", value=State.kind, on_change=State.choose_kind)
    return field("Kind", select, name="kind", errors=State.errors)


def _target() -> rx.Component:
    is_mail = State.kind == "email"
    control = text_input(
        "target", aria_describedby="target-hint", placeholder=rx.cond(is_mail, "ada@example.com", "https://")
    )
    label = rx.el.label(rx.cond(is_mail, "Addresses", "Address of the webhook"), html_for="target")
    hint = rx.cond(
        State.chosen == "new",
        rx.cond(is_mail, "Separated by commas.", "It is kept encrypted, and shown to nobody again."),
        "Empty: as it is.",
    )
    error = rx.el.p(State.errors["target"], class_name="field-error", role="alert", id="target-error")
    return rx.el.div(
        label,
        control,
        rx.el.p(hint, class_name="hint", id="target-hint"),
        rx.cond(State.errors.contains("target"), error),
        class_name="field",
    )


def _events() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("Tell of"),
        *[
            rx.el.label(
                rx.el.input(type="checkbox", name=f"event-{kind}", default_checked=State.heard.contains(str(kind))),
                rx.el.span(word),
                class_name="switch",
            )
            for kind, word in _WORDS
        ],
        rx.cond(
            State.errors.contains("events"), rx.el.p(State.errors["events"], class_name="field-error", role="alert")
        ),
        class_name="plain checks",
    )


def _text(name: str, label: str, hint: str) -> rx.Component:
    control = text_input(name, default_value=State.begins[name], aria_describedby=f"{name}-hint")
    return field(label, control, name=name, hint=hint, errors=State.errors)
