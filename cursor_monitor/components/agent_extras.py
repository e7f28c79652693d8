"""Tags of the agent shown, what it used, and the files it left behind."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import facts
from cursor_monitor.components.time import age
from cursor_monitor.domain.fleet import TAG_LIMIT
from cursor_monitor.state.agent_acts import AgentActsState as Acts
from cursor_monitor.state.agent_acts import FileLine


def agent_extras() -> rx.Component:
    """Three small panels beside the conversation."""
    return rx.fragment(_tags(), _usage(), _files())


def _tags() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Tags"),
        rx.el.div(rx.foreach(Acts.tags, _tag), class_name="tags"),
        for_operators(
            rx.el.form(
                rx.el.input(name="tag", max_length=TAG_LIMIT, placeholder="Add a tag", aria_label="Add a tag"),
                rx.el.button("Add", type="submit", class_name="button"),
                on_submit=Acts.add_tag,
                class_name="add-tag",
                key=Acts.tagged.to(str),
            ),
        ),
        class_name="section",
        aria_label="Tags",
    )


def _tag(word: rx.Var[str]) -> rx.Component:
    return rx.el.span(
        rx.el.span(word, class_name="cut"),
        for_operators(
            rx.el.button(
                rx.icon("x", size=12, aria_hidden="true"),
                type="button",
                class_name="copy",
                aria_label=rx.Var.create("Take off the tag ") + word,
                on_click=Acts.remove_tag(word),
            ),
        ),
        class_name="chip",
        title=word,
        key=word,
    )


def _usage() -> rx.Component:
    unknown = rx.el.span("unknown", class_name="faint")
    return rx.el.section(
        rx.el.h2("Usage"),
        facts(
            [
                ("Cost", rx.cond(Acts.cost != "", rx.el.span(Acts.cost, class_name="num"), unknown)),
                ("Tokens", rx.cond(Acts.tokens != "", rx.el.span(Acts.tokens, class_name="num"), unknown)),
                ("Read", rx.cond(Acts.usage_at != "", age(Acts.usage_at), "not yet")),
            ]
        ),
        rx.cond(Acts.usage_note != "", rx.el.p(Acts.usage_note, class_name="hint")),
        class_name="section",
        aria_label="Usage",
    )


def _files() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Files"),
        rx.cond(
            Acts.files.length() == 0,
            rx.el.p(rx.cond(Acts.files_note != "", Acts.files_note, "None that are known."), class_name="hint"),
            rx.el.ul(rx.foreach(Acts.files, _file), class_name="rows", aria_label="Files"),
        ),
        class_name="section",
        aria_label="Files it left behind",
    )


def _file(line: rx.Var[FileLine]) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.icon("download", size=13, aria_hidden="true"),
            rx.el.span(line.path, class_name="cut mono"),
            href=line.href,
            target="_blank",
            rel="noreferrer noopener",
            class_name="file-link",
            title=line.path,
        ),
        rx.el.span(line.size, class_name="num faint end"),
        class_name="row",
        key=line.path,
    )
