"""The command palette: what is typed finds orchestrations and agents; pages and actions are filtered in the browser."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.palette import MOST_LETTERS, Found, Hit, find


class PaletteState(rx.State):
    """What was found for the newest letters."""

    q: str = ""
    search_href: str = routes.SEARCH
    orchestrations: list[Hit] = []
    agents: list[Hit] = []
    problem: str = ""

    @rx.event(background=True, supersedes=True)
    async def search(self, value: str):
        """Look for what was typed; the newest letters win."""
        q = str(value).strip()[:MOST_LETTERS]
        found, problem = Found(), ""
        try:
            found = await asyncio.to_thread(find, q)
        except AppError as error:
            problem = error.message
        async with self:
            self.q, self.problem = q, problem
            self.search_href = f"{routes.SEARCH}?q={quote(q)}" if q else routes.SEARCH
            self.orchestrations, self.agents = list(found.orchestrations), list(found.agents)
