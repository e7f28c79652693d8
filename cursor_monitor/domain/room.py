"""What others leave of the limits that orchestrations share: looked up when something is to be begun, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cursor_monitor.domain.profiles import Profile


@dataclass(frozen=True, slots=True)
class Slots:
    """How many agents may be at work at once for one account or repository."""

    name: str  # account, repository
    used: int
    allowed: int
    ahead: int = 0  # wanted by orchestrations whose turn is before
    others_busy: int = 0  # of those in use, what other orchestrations have an agent truly at work in

    @property
    def free(self) -> int:
        """How many more may begin."""
        return max(0, self.allowed - self.used - self.ahead)

    def reason(self, begun: int) -> str:
        """What a task without a slot waits for, once so many more have begun."""
        used = self.used + begun
        after = f", after {self.ahead} whose turn is before" if self.ahead and used < self.allowed else ""
        return f"{self.name} limit {used} of {self.allowed}{after}"


@dataclass(frozen=True, slots=True)
class Day:
    """What an account may begin or spend in a day."""

    name: str  # agents, follow-ups, cents
    used: float
    allowed: float
    setting: str


@dataclass(frozen=True, slots=True)
class Room:
    """All shared limits that hold for one orchestration; empty where there are none."""

    slots: tuple[Slots, ...] = ()
    day: tuple[Day, ...] = ()
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What the settings allow in all; None: no limit."""

    account_agents: int | None = None
    repository_agents: int | None = None
    day_agents: int | None = None
    day_followups: int | None = None
    day_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Tasks that are ready and have no slot."""

    on: str
    wanted: int
    reason: str
