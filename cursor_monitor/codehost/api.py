"""The code host in our words: what one look at an agent's work brings, and how it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from cursor_monitor.domain.code_host import ChangedFile, Check, Target

T = TypeVar("T")
Memory = dict[str, dict[str, Any]]
"""What each request was answered last, by its path: its ETag, what was kept of it, and whether more followed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer said about the token's budget; None where it said nothing."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; `mergeable` is None while the code host does not know yet."""

    number: int
    url: str
    state: str  # one of PR_STATES
    mergeable: bool | None
    head_sha: str
    changed_files: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """What a pull request proposes: a branch, and the repository (owner/name) that has it, which may be a fork."""

    repository: str
    branch: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Items as far as they were read, and how many there are (at least, where it is not whole)."""

    items: tuple[T, ...] = ()
    total: int = 0
    is_whole: bool = True


@dataclass(slots=True)
class Tally:
    """What a look cost: requests, those of them answered with 304, and what the last answer said about limits."""

    requests: int = 0
    unchanged: int = 0
    limits: Limits = field(default_factory=Limits)

    def learn(self, limits: Limits) -> None:
        """Count an answer, and keep what it said."""
        self.requests += 1
        if limits.remaining is not None or limits.limit is not None:
            self.limits = replace(limits, reset_at=limits.reset_at or self.limits.reset_at)


@dataclass(frozen=True, slots=True)
class Look:
    """All that one look brought; `checks` or `files` None where the token may not read them or there is no head."""

    head_sha: str | None
    pull: Pull | None
    checks: Listing[Check] | None
    files: Listing[ChangedFile] | None
    memory: Memory
    notes: tuple[str, ...] = ()


class CodeHost(Protocol):
    """What is asked of the code host."""

    async def look(self, target: Target, memory: Memory, tally: Tally) -> Look:
        """Read branch, pull request, checks and files; raises CodeHostError, with what it cost in the tally."""
        ...

    async def list_branches(self, repository: str, tally: Tally) -> tuple[str, ...]:
        """The branches of `owner/name`, the first few hundred; raises CodeHostError."""
        ...

    async def find_head(self, repository: str, number: int, tally: Tally) -> Head:
        """The branch of a pull request of `owner/name`; raises CodeHostError."""
        ...

    async def check_token(self) -> Limits:
        """See whether the token is good; costs nothing of its budget."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
