"""One agent, whole: what it was told, what it answered, and what a person can do to it."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.agent_actions import agent_actions, agent_shelf
from cursor_monitor.components.agent_composer import agent_composer
from cursor_monitor.components.agent_extras import agent_extras
from cursor_monitor.components.agent_facts import agent_facts
from cursor_monitor.components.agent_waiting import agent_waiting
from cursor_monitor.components.code_host import code_host
from cursor_monitor.components.conversation import conversation
from cursor_monitor.components.feedback import gone, problem, skeleton
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age
from cursor_monitor.components.truth import disagreement, words
from cursor_monitor.state.agent import AgentState as State
from cursor_monitor.state.agent_acts import AgentActsState as Acts
from cursor_monitor.state.conversation import ConversationState


@page(
    routes.AGENT,
    title="Agent",
    active=routes.AGENTS,
    crumbs=(("Agents", routes.AGENTS), ("Detail", routes.AGENTS)),
    on_load=[State.watch, Acts.watch, Acts.open, State.ask_code_host, ConversationState.watch],
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
            actions=agent_actions(),
        ),
        problem(State.notice),
        agent_shelf(),
        problem(rx.cond(it.error_message, it.error_message.to(str), "")),
        disagreement(),
        rx.el.div(
            rx.el.div(conversation(), agent_waiting(), agent_composer(), class_name="section"),
            rx.el.div(agent_facts(), agent_extras(), code_host(), words(), class_name="section"),
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
