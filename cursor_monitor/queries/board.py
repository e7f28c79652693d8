"""The board: all work that somebody may have to act on, by the next act of a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cursor_monitor import routes
from cursor_monitor.domain.board import AGENT_STATUSES, NEEDS_PERSON, Column, Place, Pull, Work, place
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.queries.health import get_health
from cursor_monitor.store import board as store
from cursor_monitor.store.database import reading
from cursor_monitor.store.events import database_now

MOST = 200  # of each status; a column that holds more says so


@dataclass(frozen=True, slots=True)
class Card:
    """One piece of work: where it stands, why, since when, and what a person is to do."""

    id: str
    kind: str  # orchestration, agent
    name: str
    href: str
    repository: str | None
    column: str
    tone: str
    why: str
    act: str | None
    pull: str | None
    since: datetime
    tasks_completed: int
    tasks_total: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of the board, the most urgent first; `is_more` where only the newest were looked at."""

    name: str
    cards: tuple[Card, ...]
    is_more: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The columns, the most urgent first."""

    lanes: tuple[Lane, ...]

    @property
    def needs(self) -> tuple[Card, ...]:
        """All that waits for a person."""
        return tuple(card for lane in self.lanes if lane.name in NEEDS_PERSON for card in lane.cards)

    @property
    def is_cut(self) -> bool:
        """True where more may wait for a person than were looked at."""
        return any(lane.is_more for lane in self.lanes if lane.name in NEEDS_PERSON)


def get_board() -> Board:
    """Everything under way, everything of the last day, and every delivery whose pull request is open."""
    held = _held()
    with reading() as session:
        now = database_now(session)
        orchestrations, agents = _candidates(session)
        pulls = _pulls(session, orchestrations, agents)
    placed = [_of_orchestration(row, held, pulls[row["id"]], now) for row in orchestrations]
    placed += [_of_agent(row, held, pulls[row["id"]], now) for row in agents]
    cut = {name for name, rows in _by_status(orchestrations, agents).items() if rows >= MOST}
    return Board(tuple(_lane(column, placed, cut) for column in Column))


def _candidates(session: Session) -> tuple[list[Any], list[Any]]:
    open_pulls = store.select_open_pulls(session, MOST)
    orchestrations = {row["id"]: row for row in store.select_orchestrations(session, MOST)}
    others = {row["orchestration_id"] for row in open_pulls if row["orchestration_id"] is not None}
    missing = [one for one in others if str(one) not in orchestrations]
    orchestrations |= {row["id"]: row for row in store.select_completed(session, missing)}
    alone = [row["agent_id"] for row in open_pulls if row["origin"] != "orchestration"]
    return list(orchestrations.values()), list(store.select_agents(session, alone, MOST))


def _pulls(session: Session, orchestrations: list[Any], agents: list[Any]) -> dict[str, tuple[Pull, ...]]:
    delivered = [row["id"] for row in orchestrations if row["status"] == OrchestrationStatus.COMPLETED]
    finished = [row["id"] for row in agents if row["state"] == "finished"]
    found: dict[str, dict[str, Pull]] = defaultdict(dict)
    for row in store.select_pulls(session, delivered, finished):
        found[row["owner"]][row["url"]] = Pull(row["url"], row["state"], row["checks"], row["mergeable"])
    return defaultdict(tuple, {owner: tuple(pulls.values()) for owner, pulls in found.items()})


def _held() -> str | None:
    parts = {part.name: part for part in get_health().components}
    if parts["worker"].status == "down":
        return "a worker; none is online"
    return "Cursor's rate limit to end" if parts["cursor_api"].facts.get("blocked_until") else None


def _of_orchestration(row: Any, held: str | None, pulls: tuple[Pull, ...], now: datetime) -> tuple[Place, Card]:
    work = Work(
        status=OrchestrationStatus(row["status"]),
        reason=row["reason"],
        active_agents=row["active_agents"],
        no_slot=row["no_slot"],
        held=held,
        ended_at=row["ended_at"],
        pulls=pulls,
    )
    href = routes.orchestration(row["id"])
    since = row["ended_at"] or row["updated_at"]
    return _card(row, "orchestration", href, since, place(work, now), (row["tasks_completed"], row["tasks_total"]))


def _of_agent(row: Any, held: str | None, pulls: tuple[Pull, ...], now: datetime) -> tuple[Place, Card]:
    status = AGENT_STATUSES[row["state"]]
    is_working = status is OrchestrationStatus.RUNNING
    is_asked_for = status in (OrchestrationStatus.QUEUED, OrchestrationStatus.BLOCKED)
    work = Work(status, row["reason"], int(is_working), None, held, row["ended_at"], pulls)
    since = row["created_at"] if is_working or is_asked_for else row["ended_at"]
    return _card(row, "agent", routes.agent(row["id"]), since, place(work, now), (0, 0))


def _card(row: Any, kind: str, href: str, since: datetime, found: Place, tasks: tuple[int, int]) -> tuple[Place, Card]:
    card = Card(
        id=row["id"],
        kind=kind,
        name=row["name"][:200],
        href=href,
        repository=row["repository"],
        column=found.column,
        tone=found.tone,
        why=found.why[:300],
        act=found.act,
        pull=found.pull,
        since=since,
        tasks_completed=tasks[0],
        tasks_total=tasks[1],
    )
    return found, card


def _lane(column: Column, placed: list[tuple[Place, Card]], cut: set[str]) -> Lane:
    mine = [pair for pair in placed if pair[0].column is column]
    is_waited_for = column in NEEDS_PERSON or column is Column.WAITING
    mine.sort(key=lambda pair: pair[1].since, reverse=not is_waited_for)  # who waited longest comes first
    mine.sort(key=lambda pair: pair[0].rank)
    return Lane(column, tuple(card for _, card in mine), bool(cut & _STATUSES_OF[column]))


def _by_status(orchestrations: Iterable[Any], agents: Iterable[Any]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in orchestrations:
        counts[row["status"]] += 1
    for row in agents:
        counts[f"agent {row['state']}"] += 1
    return counts


_STATUSES_OF: dict[Column, set[str]] = {
    Column.RESPOND: {"waiting", "blocked", "error", "partial", "agent failed", "agent blocked"},
    Column.REVIEW: {"completed", "agent finished"},
    Column.MERGE: {"completed", "agent finished"},
    Column.WORKING: {"running", "agent working"},
    Column.WAITING: {"queued", "paused", "running", "agent queued"},
    Column.DONE: {"completed", "stopped", "error", "partial", "agent finished", "agent cancelled"},
}
