"""Which account: in a form, and as a filter of a list; neither is there while there is but one."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.components.form import field
from cursor_monitor.queries.accounts import AccountName


def account_choice(state: Any, errors: rx.Var[dict[str, str]], *also: Any) -> rx.Component:
    """The account whose key launches, the default one first; what it may use is offered then, and `also` happens."""
    chosen = [state.choose_account, *also]
    control = rx.el.select(rx.foreach(state.accounts, _option), id="account", name="account", on_change=chosen)
    return rx.cond(
        state.accounts.length() > 1,
        field("Account", control, name="account", hint="Whose key launches, and who pays.", errors=errors),
    )


def account_filter(state: Any) -> rx.Component:
    """Only what belongs to one account."""
    now = state.filters["account"]
    return rx.cond(
        (state.accounts.length() > 1) | (now != ""),
        rx.el.select(
            rx.el.option("All accounts", value=""),
            rx.cond(
                (now != "") & ~state.account_names.contains(now),
                rx.el.option(now, value=now),
            ),
            rx.foreach(state.account_names, lambda name: rx.el.option(name, value=name)),
            value=now,
            on_change=lambda value: state.set_filter("account", value),
            aria_label="Account",
        ),
    )


def _option(account: rx.Var[AccountName]) -> rx.Component:
    word = rx.cond(account.is_default, account.name + " (default)", account.name)
    return rx.el.option(word, value=account.id)
