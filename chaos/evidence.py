"""What a fault run is judged by: the database, the simulator's ledger, and what everybody said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chaos.drive import Drive
from chaos.orders import Order

Json = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All of it, as it is once nothing is under way any more."""

    drive: Drive

    @property
    def url(self) -> str:
        """The database."""
        return self.drive.world.url

    @property
    def launched(self) -> Mapping[str, Order]:
        """Every orchestration that was asked for, by its id."""
        return self.drive.people.launched

    @property
    def deleted(self) -> Collection[str]:
        """The agents that somebody deleted at Cursor: their work there is not ours to end."""
        return self.drive.people.deleted

    @cached_property
    def ledger(self) -> Json:
        """Everything that was ever created at Cursor, or refused."""
        return self.drive.world.simulator.ledger()

    @cached_property
    def paid(self) -> Mapping[str, Json]:
        """The agents of the ledger, by their ids."""
        return {agent["id"]: agent for agent in self.ledger["agents"]}
