"""The choice of an account, for any form or list that offers one."""

from __future__ import annotations

import asyncio

import reflex as rx

from cursor_monitor.queries.accounts import AccountName, list_names


class AccountChoiceMixin(rx.State, mixin=True):
    """The accounts there are; a form offers them only where there is more than one."""

    accounts: list[AccountName] = []

    @rx.var
    def account_names(self) -> list[str]:
        """Their names."""
        return [account.name for account in self.accounts]

    async def _load_accounts(self) -> None:
        self.accounts = list(await asyncio.to_thread(list_names))
