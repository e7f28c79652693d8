"""Small facts in mono: ids to copy, repositories, branches, pull requests."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes


def id_chip(value: rx.Var[str]) -> rx.Component:
    """An id, shortened, whole on hover, copied by its button."""
    return rx.el.span(
        rx.el.code(value.to(str)[:11], title=value),
        rx.el.button(
            rx.icon("copy", size=12, aria_hidden="true"),
            type="button",
            class_name="copy",
            aria_label="Copy the id",
            custom_attrs={"data-copy": value},
        ),
        class_name="chip",
    )


def repository_chip(url: rx.Var[str | None]) -> rx.Component:
    """A repository as owner/repo, linked."""
    text = url.to(str)
    return rx.cond(
        url,
        rx.el.a(
            rx.icon("book-marked", size=12, aria_hidden="true"),
            text.replace("https://github.com/", "").replace("https://", ""),
            href=text,
            target="_blank",
            rel="noreferrer noopener",
            class_name="chip link",
        ),
        rx.el.span("no repository", class_name="faint"),
    )


def branch_chip(branch: rx.Var[str | None]) -> rx.Component:
    """A branch; nothing where there is none yet."""
    return rx.cond(
        branch,
        rx.el.span(
            rx.icon("git-branch", size=12, aria_hidden="true"),
            rx.el.span(branch.to(str), class_name="cut"),
            title=branch.to(str),
            class_name="chip",
        ),
    )


def pr_chip(url: rx.Var[str | None]) -> rx.Component:
    """A pull request, linked; nothing where there is none yet."""
    return rx.cond(
        url,
        rx.el.a(
            rx.icon("git-pull-request", size=12, aria_hidden="true"),
            "PR ",
            url.to(str).split("/")[-1],
            href=url.to(str),
            target="_blank",
            rel="noreferrer noopener",
            class_name="chip link",
        ),
    )


def agent_chip(agent_id: rx.Var[str | None]) -> rx.Component:
    """An agent's id as a link to its page; nothing where there is none yet."""
    return rx.cond(
        agent_id,
        rx.el.a(
            rx.icon("bot", size=12, aria_hidden="true"),
            agent_id.to(str)[:11],
            href=f"{routes.AGENTS}/{agent_id.to(str)}",
            title=agent_id.to(str),
            class_name="chip link",
        ),
    )


def score(value: rx.Var[int | None], coverage: rx.Var[int | None]) -> rx.Component:
    """A quality score with the share of evidence behind it; unknown is said to be unknown."""
    return rx.cond(
        value.is_none(),
        rx.el.span("unknown", class_name="faint"),
        rx.el.span(
            rx.el.strong(value, class_name="num"),
            rx.el.span(" of 100, ", coverage, " % known", class_name="faint"),
        ),
    )
