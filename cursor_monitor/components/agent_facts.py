"""The facts of the agent shown."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components import chips
from cursor_monitor.components.feedback import facts
from cursor_monitor.components.time import age
from cursor_monitor.state.agent import AgentState as State


def agent_facts() -> rx.Component:
    """The rail beside the runs."""
    it = State.agent
    unknown = rx.el.span("unknown", class_name="faint")
    return rx.el.aside(
        facts(
            [
                ("Id", chips.id_chip(it.id)),
                ("Cursor says", rx.cond(it.run_status, rx.el.span(it.run_status.to(str), class_name="mono"), unknown)),
                ("Status by", rx.cond(State.truth.source != "", _source(), unknown)),
                ("Repository", chips.repository_chip(it.repository)),
                ("Base", rx.cond(it.ref, chips.branch_chip(it.ref), "the default branch")),
                ("Branch", rx.cond(it.branch, chips.branch_chip(it.branch), unknown)),
                ("Pull request", rx.cond(it.pr_url, chips.pr_chip(it.pr_url), unknown)),
                ("Model", rx.cond(it.model, it.model.to(str), "Cursor's default")),
                ("Origin", it.origin),
                ("Requested by", rx.cond(State.created_by != "", State.created_by, unknown)),
                ("Made", age(it.created_at)),
                ("Launched", rx.cond(it.launched_at, age(it.launched_at), "not yet")),
                ("At Cursor", rx.cond(State.url != "", _elsewhere(), unknown)),
            ]
        ),
        aria_label="Facts",
    )


def _source() -> rx.Component:
    return rx.el.span(State.truth.source, ", ", age(State.truth.seen_at))


def _elsewhere() -> rx.Component:
    return rx.el.a("Open", href=State.url, target="_blank", rel="noreferrer noopener", class_name="chip link")
