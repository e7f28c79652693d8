"""The proof of quality: one page that can be read, printed and kept."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components import chips
from cursor_monitor.components.feedback import gone, skeleton
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age
from cursor_monitor.state.proof import DecisionView, FactView, ProofAgentView, ProofTaskView
from cursor_monitor.state.proof import ProofState as State


@page(
    routes.PROOF,
    title="Proof of quality",
    active=routes.ORCHESTRATIONS,
    crumbs=(("Orchestrations", routes.ORCHESTRATIONS), ("Proof of quality", routes.ORCHESTRATIONS)),
    on_load=[State.watch],
)
def proof() -> rx.Component:
    """The page, or that there is nothing behind the address."""
    nothing = gone(
        "No such orchestration",
        "It was deleted, or the address is not right.",
        routes.ORCHESTRATIONS,
        "All orchestrations",
    )
    return rx.cond(State.is_missing, nothing, rx.cond(State.is_loaded, _whole(), skeleton()))


def _whole() -> rx.Component:
    return rx.el.div(
        header(
            rx.el.span("Proof of quality: ", State.name),
            status_badge(State.status),
            rx.cond(State.is_final, rx.fragment(), rx.el.span("not over: this is how things stand")),
            rx.link("The orchestration", href=f"{routes.ORCHESTRATIONS}/{State.orchestration}"),
            actions=[
                rx.el.a("Markdown", href=State.markdown, class_name="button", download=True),
                rx.el.a("JSON", href=State.export, class_name="button", target="_blank"),
                rx.el.button("Print", type="button", class_name="button", on_click=rx.call_script("window.print()")),
            ],
        ),
        _section("Summary", _facts(State.facts)),
        _section(
            "What is not known",
            rx.cond(
                State.unknown.length() > 0,
                rx.el.ul(rx.foreach(State.unknown, lambda line: rx.el.li(line)), aria_label="Not known"),
                rx.el.p("Nothing that this page tells of."),
            ),
        ),
        _section("What was asked", rx.el.pre(State.prompt, tab_index=0)),
        _section("What was planned and done", rx.foreach(State.tasks, _task)),
        _section("At what cost", _facts(State.costs)),
        _section(
            "What was decided, and on what grounds",
            rx.cond(
                State.has_older,
                rx.el.p("The newest ", State.decisions.length(), "; the timeline has those before.", class_name="hint"),
            ),
            rx.el.ol(rx.foreach(State.decisions, _decision), class_name="timeline", aria_label="Decisions"),
        ),
        class_name="proof section",
    )


def _section(title: str, *content: rx.Component) -> rx.Component:
    return rx.el.section(rx.el.h2(title), *content, class_name="section", aria_label=title)


def _facts(rows: rx.Var[list[FactView]]) -> rx.Component:
    return rx.el.dl(rx.foreach(rows, _fact), class_name="facts")


def _fact(fact: rx.Var[FactView]) -> rx.Component:
    return rx.fragment(rx.el.dt(fact.label), rx.el.dd(fact.value))


def _task(task: rx.Var[ProofTaskView]) -> rx.Component:
    return rx.el.section(
        rx.el.h3(task.key, ": ", task.title),
        rx.el.div(
            rx.cond(task.status != "", status_badge(task.status)),
            rx.cond(task.quality != "", rx.el.span("quality ", task.quality)),
            chips.branch_chip(task.branch),
            chips.pr_chip(task.pr_url),
            class_name="line",
        ),
        rx.cond(task.reason != "", rx.el.p(task.reason)),
        rx.cond(task.evidence.length() > 0, rx.el.ul(rx.foreach(task.evidence, _part), class_name="parts")),
        rx.foreach(task.agents, _agent),
        class_name="section",
        key=task.key,
    )


def _part(part: rx.Var[FactView]) -> rx.Component:
    return rx.el.li(rx.el.span(part.label, " ", class_name="faint"), rx.el.span(part.value, class_name="num"))


def _agent(agent: rx.Var[ProofAgentView]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            chips.agent_chip(agent.agent_id), status_badge(agent.status), rx.el.span(agent.role), class_name="line"
        ),
        _facts(agent.facts),
        rx.cond(
            agent.lines.length() > 0,
            rx.el.ul(
                rx.foreach(
                    agent.lines, lambda line: rx.el.li(rx.el.span(line.label, ": ", class_name="faint"), line.value)
                )
            ),
        ),
        class_name="agent-proof",
        key=agent.agent_id,
    )


def _decision(decision: rx.Var[DecisionView]) -> rx.Component:
    return rx.el.li(
        rx.el.span("#", decision.seq, class_name="seq num"),
        rx.el.div(
            rx.el.span(decision.message),
            rx.cond(decision.evidence != "", rx.el.p(decision.evidence, class_name="hint")),
            class_name="message",
        ),
        rx.el.span(age(decision.created_at), class_name="when"),
        key=decision.seq,
    )
