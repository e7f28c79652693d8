"""What a form offers to choose from: the models and repositories of the chosen account, the repository's branches."""

from __future__ import annotations

import asyncio

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries import catalogue
from cursor_monitor.services.branches import want_branches
from cursor_monitor.state.account_choice import AccountChoiceMixin
from cursor_monitor.state.models import ModelMixin

_PATIENCE_SECONDS = 10.0


class OfferMixin(ModelMixin, AccountChoiceMixin, rx.State, mixin=True):
    """Choices that follow from one another; what is not known is typed freely."""

    repositories: list[str] = []
    branches: list[str] = []
    account: str = ""
    message: str = ""

    @rx.event
    async def choose_account(self, value: str):
        """Offer what that account may use."""
        self.account, self.message = value[:100], ""
        try:
            await self._load_offer()
        except AppError as error:
            self.message = error.message

    @rx.event(background=True, supersedes=True)
    async def choose_repository(self, value: str):
        """Offer its branches: those known here at once, those of the code host once it has answered."""
        seen = live.feed.version(live.BRANCHES)
        try:
            repository, known = await asyncio.to_thread(catalogue.list_branches, value[:300])
            async with self:
                self.branches = list(known)
            if repository is None or not await asyncio.to_thread(want_branches, repository):
                return
            await live.feed.changed(live.BRANCHES, seen, _PATIENCE_SECONDS)
            _, known = await asyncio.to_thread(catalogue.list_branches, repository)
        except AppError:
            return  # the form works without
        async with self:
            self.branches = list(known)

    async def _load_offer(self) -> None:
        chosen = self.account or None
        await self._load_models(chosen)
        self.repositories = list(await asyncio.to_thread(catalogue.list_repositories, chosen))
