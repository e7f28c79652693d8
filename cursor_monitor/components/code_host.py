"""What the code host says of the work of the agent shown: pull request, checks, changed files."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components import chips
from cursor_monitor.components.feedback import facts
from cursor_monitor.components.status_badge import checks_badge, status_badge, status_icon
from cursor_monitor.components.time import age
from cursor_monitor.state.agent import AgentState as State
from cursor_monitor.state.code_host import CheckView, FileView


def code_host() -> rx.Component:
    """The panel in the rail; what is not known is said to be unknown, and why."""
    it = State.code_host
    return rx.el.section(
        rx.el.h2("Code host"),
        rx.cond(it.why != "", rx.el.p(it.why, class_name="faint")),
        rx.cond(it.is_known, rx.fragment(_facts(), _checks(), _files())),
        class_name="section",
        aria_label="Code host",
    )


def _facts() -> rx.Component:
    it = State.code_host
    unknown = rx.el.span("unknown", class_name="faint")
    pull = rx.cond(
        it.pr_state != "",
        rx.el.span(status_badge(it.pr_state), " ", chips.pr_chip(it.pr_url), class_name="line"),
        rx.el.span("none", class_name="faint"),
    )
    return facts(
        [
            ("Pull request", pull),
            ("Can be merged", rx.cond(it.mergeable != "", it.mergeable, unknown)),
            ("Head", rx.cond(it.head_sha != "", chips.id_chip(it.head_sha), unknown)),
            ("Checks", checks_badge(it.checks_summary)),
            ("Changes", rx.cond(it.changes != "", rx.el.span(it.changes, class_name="num"), unknown)),
            ("Seen", rx.cond(it.observed_at != "", age(it.observed_at), "not yet")),
        ]
    )


def _checks() -> rx.Component:
    return rx.fragment(
        rx.cond(
            State.checks.length() > 0,
            rx.el.ul(rx.foreach(State.checks, _check), class_name="rows", aria_label="Checks"),
        ),
        rx.foreach(State.code_host.notes, lambda note: rx.el.p(note, class_name="faint")),
    )


def _check(check: rx.Var[CheckView]) -> rx.Component:
    name = rx.cond(
        check.url != "",
        rx.el.a(check.name, href=check.url, target="_blank", rel="noreferrer noopener"),
        rx.el.span(check.name),
    )
    return rx.el.li(
        status_icon(check.look),
        rx.el.span(name, class_name="cut", title=check.name),
        rx.el.span(check.word, class_name="faint"),
        class_name="line",
        key=check.key,
    )


def _files() -> rx.Component:
    return rx.cond(
        State.files.length() > 0,
        rx.el.details(
            rx.el.summary(State.code_host.files_title),
            rx.el.ul(rx.foreach(State.files, _file), class_name="rows", aria_label="Changed files"),
        ),
    )


def _file(file: rx.Var[FileView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(file.name, class_name="mono cut", title=file.name),
        rx.el.span(file.status, class_name="faint"),
        rx.el.span("+", file.additions, " \u2212", file.deletions, class_name="num faint"),
        class_name="line",
        key=file.name,
    )
