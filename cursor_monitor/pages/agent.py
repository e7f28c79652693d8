"""One agent, whole: what it was told, what it answered, and what a person can do to it."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components import chips
from cursor_monitor.components.feedback import confirm, facts, gone, problem, skeleton
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age, duration
from cursor_monitor.queries.agents import FollowupRow, RunRow
from cursor_monitor.state.agent import AgentState as State


@page(
    routes.AGENT,
    title="Agent",
    active=routes.AGENTS,
    crumbs=(("Agents", routes.AGENTS), ("Detail", routes.AGENTS)),
    on_load=[State.watch],
)
def agent() -> rx.Component:
    """The page, or that there is nothing behind the address."""
    nothing = gone("No such agent", "It was deleted here, or the address is not right.", routes.AGENTS, "All agents")
    return rx.cond(State.is_missing, nothing, rx.cond(State.is_loaded, _whole(), skeleton()))


def _whole() -> rx.Component:
    it = State.agent
    return rx.fragment(
        header(
            rx.cond(it.name, it.name.to(str), it.id),
            status_badge(it.state),
            rx.cond(it.observed_at, rx.el.span("seen ", age(it.observed_at))),
            rx.cond(it.orchestration_id, _parent()),
            actions=[_stop()],
        ),
        problem(State.notice),
        problem(rx.cond(it.error_message, it.error_message.to(str), "")),
        rx.el.div(
            rx.el.div(_conversation(), _composer(), class_name="section"),
            _rail(),
            class_name="columns",
        ),
    )


def _parent() -> rx.Component:
    return rx.link(
        rx.icon("workflow", size=12, aria_hidden="true"),
        State.agent.task_key,
        href=f"{routes.ORCHESTRATIONS}/{State.agent.orchestration_id}",
        underline="none",
        class_name="chip link",
        title="The orchestration it works for",
    )


def _stop() -> rx.Component:
    trigger = rx.el.button(
        rx.icon("circle-stop", size=14, aria_hidden="true"), "Stop", type="button", class_name="button"
    )
    return rx.cond(
        State.controls.contains("stop"),
        confirm(
            trigger,
            "Stop this agent?",
            "What it is doing is cancelled at Cursor. What it pushed stays.",
            "Stop it",
            State.stop,
        ),
    )


def _conversation() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Runs"),
        rx.cond(
            State.runs.length() == 0,
            rx.el.div(
                rx.el.div("Asked", class_name="who"),
                rx.el.div(State.prompt, class_name="body prose"),
                class_name="bubble mine",
            ),
            rx.el.ol(rx.foreach(State.runs, _run), class_name="conversation", aria_label="Runs"),
        ),
        rx.foreach(State.waiting, _waiting),
        class_name="section",
    )


def _run(run: rx.Var[RunRow]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            run.prompt,
            rx.el.div(
                rx.el.div("Asked ", age(run.created_at), class_name="who"),
                rx.el.div(run.prompt.to(str), class_name="body prose"),
                class_name="bubble mine",
            ),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.span("Answered"),
                rx.el.span(run.status, class_name="mono"),
                duration(run.created_at, run.ended_at),
                class_name="who",
            ),
            rx.cond(
                run.result,
                rx.el.div(run.result.to(str), class_name="body prose"),
                rx.el.p(
                    rx.cond(run.ended_at, "Cursor gave no final text for this run.", "No answer yet."),
                    class_name="faint",
                ),
            ),
            class_name="bubble",
        ),
        class_name="conversation",
        key=run.id,
    )


def _waiting(followup: rx.Var[FollowupRow]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span("Follow-up by ", followup.created_by),
            rx.el.strong(followup.status),
            age(followup.created_at),
            class_name="who",
        ),
        rx.el.div(followup.prompt, class_name="body prose"),
        rx.cond(followup.error_message, rx.el.p(followup.error_message.to(str), class_name="field-error")),
        class_name="bubble mine",
        key=followup.id,
    )


def _composer() -> rx.Component:
    return rx.cond(
        State.controls.contains("followup"),
        rx.el.form(
            rx.el.label("Follow-up", html_for="followup"),
            rx.el.textarea(id="followup", name="followup", rows=3, placeholder="What should it do next?"),
            rx.el.div(rx.el.button("Send", type="submit", class_name="button primary"), class_name="actions"),
            on_submit=State.send_followup,
            class_name="field",
            key=State.sent.to(str),
        ),
    )


def _rail() -> rx.Component:
    it = State.agent
    unknown = rx.el.span("unknown", class_name="faint")
    return rx.el.aside(
        facts(
            [
                ("Id", chips.id_chip(it.id)),
                ("Cursor says", rx.cond(it.run_status, rx.el.span(it.run_status.to(str), class_name="mono"), unknown)),
                ("Seen", rx.cond(it.observed_at, age(it.observed_at), "not yet")),
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


def _elsewhere() -> rx.Component:
    return rx.el.a("Open", href=State.url, target="_blank", rel="noreferrer noopener", class_name="chip link")
