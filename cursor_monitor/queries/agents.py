"""Reading the fleet: agents launched here or seen at Cursor, with their runs and follow-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.fleet import EVERYBODY, UNSENT
from cursor_monitor.queries.code_host import CodeHostRow, code_host_row
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.queries.truth import TruthRow, truth_rows
from cursor_monitor.store import agents as store
from cursor_monitor.store import cache, fleet, tables
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One line of the fleet."""

    id: str
    name: str | None
    state: str  # one of domain.fleet.STATES
    run_status: str | None  # Cursor's word, as given
    agent_status: str | None  # Cursor's word, as given
    origin: str  # orchestration, person, elsewhere
    account_id: str
    orchestration_id: str | None
    task_key: str | None
    repository: str | None
    ref: str | None
    branch: str | None
    pr_url: str | None
    model: str | None
    latest_run_id: str | None
    error_message: str | None
    created_at: datetime
    launched_at: datetime | None
    observed_at: datetime | None
    active_at: datetime | None = None  # the newest sign of life that Cursor told of
    shelf: str = "current"  # one of domain.fleet.SHELVES
    tokens: int | None = None
    cost_cents: float | None = None
    pinned: bool = False
    tags: tuple[str, ...] = ()
    doubt: str | None = None  # why the status may not be the truth


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of an agent: a prompt and what came of it."""

    id: str
    status: str
    prompt: str | None
    result: str | None
    duration_ms: int | None
    created_at: datetime
    ended_at: datetime | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class FollowupRow:
    """One follow-up and whether Cursor has it."""

    id: str
    prompt: str
    status: str  # requested, blocked, sending, sent, failed, cancelled
    run_id: str | None
    error_message: str | None
    created_by: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """One agent, whole; `controls` are those that make sense now."""

    agent: AgentRow
    prompt: str | None
    url: str | None
    created_by: str | None
    runs: tuple[RunRow, ...]  # oldest first
    followups: tuple[FollowupRow, ...]  # oldest first
    controls: tuple[str, ...]  # of: followup, stop, archive, unarchive, delete
    code_host: CodeHostRow
    truth: TruthRow


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What an agent used, as last read by a worker; `usage` None while nothing is known."""

    fetched_at: datetime | None
    refusal: str | None  # Cursor's code, where it does not tell
    usage: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ArtifactsRow:
    """The files that an agent left behind, as last read by a worker."""

    fetched_at: datetime | None
    refusal: str | None
    items: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch that an agent pushed."""

    repository: str | None
    branch: str
    pr_url: str | None
    agent_id: str
    created_at: datetime


def get_usage(agent_id: str) -> UsageRow:
    """What an agent used."""
    with reading() as session:
        found = cache.get(session, f"usage:{agent_id}")
    return UsageRow(found[1], **found[0]) if found else UsageRow(None, None, None)


def get_artifacts(agent_id: str) -> ArtifactsRow:
    """The files that an agent left behind."""
    with reading() as session:
        found = cache.get(session, f"artifacts:{agent_id}")
    return (
        ArtifactsRow(found[1], found[0]["refusal"], tuple(found[0]["items"])) if found else ArtifactsRow(None, None, ())
    )


def list_branches(
    *, repository: str | None = None, account: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[BranchRow]:
    """The branches of the newest agents first; raises Invalid for an unknown cursor."""
    check_limit(limit)
    position = decode_cursor(cursor, 2)
    before = (_time(position[0]), position[1]) if position else None
    with reading() as session:
        rows = store.select_with_branch(
            session,
            repository=(repository or "").strip() or None,
            account=(account or "").strip() or None,
            before=before,
            limit=limit + 1,
        )
    shown = rows[:limit]
    following = encode_cursor(shown[-1].created_at.isoformat(), shown[-1].id) if len(rows) > limit else None
    return Page(tuple(BranchRow(r.repository, r.branch or "", r.pr_url, r.id, r.created_at) for r in shown), following)


def get_agent(agent_id: str, pins_of: str = EVERYBODY) -> AgentDetail:
    """One agent with its runs, and whether `pins_of` pinned it; raises NotFound."""
    with reading() as session:
        found = store.find(session, agent_id)
        if found is None:
            raise NotFound(f"No agent has the id {agent_id[:60]}.")
        runs = store.select_runs(session, agent_id)
        followups = store.select_followups(session, agent_id)
        tags = fleet.select_tags(session, [agent_id])
        is_pinned = bool(fleet.select_pinned(session, [agent_id], pins_of))
        host = code_host_row(session, found)
        truth = truth_rows(session, [agent_id])[agent_id]
    return AgentDetail(
        agent=row_of(found, tags[agent_id], truth, is_pinned=is_pinned),
        prompt=found.prompt,
        url=found.url,
        created_by=found.created_by,
        runs=tuple(_run(r) for r in runs),
        followups=tuple(_followup(f) for f in followups),
        controls=_controls(found),
        code_host=host,
        truth=truth,
    )


def _controls(agent: tables.Agent) -> tuple[str, ...]:
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        return ("stop",) if agent.launch_status == "requested" else ()
    if agent.agent_status == "ARCHIVED":
        return ("unarchive",) if agent.is_working else ("unarchive", "delete")
    return ("followup", "stop") if agent.is_working else ("followup", "archive", "delete")


def row_of(
    a: tables.Agent, tags: tuple[str, ...] = (), truth: TruthRow | None = None, *, is_pinned: bool = False
) -> AgentRow:
    """The line of one agent."""
    return AgentRow(
        id=a.id,
        name=a.name,
        state=a.state or "",
        run_status=a.run_status,
        agent_status=a.agent_status,
        origin=a.origin,
        account_id=a.account_id,
        orchestration_id=str(a.orchestration_id) if a.orchestration_id else None,
        task_key=a.task_key,
        repository=a.repository,
        ref=a.ref,
        branch=a.branch,
        pr_url=a.pr_url,
        model=a.model,
        latest_run_id=a.latest_run_id,
        error_message=a.error_message,
        created_at=a.created_at,
        launched_at=a.launched_at,
        observed_at=a.observed_at,
        active_at=a.active_at,
        shelf=a.shelf or "current",
        tokens=a.tokens,
        cost_cents=a.cost_cents,
        pinned=is_pinned,
        tags=tags,
        doubt=truth.disagreement.why if truth and truth.disagreement and a.launch_status == "launched" else None,
    )


def _run(r: tables.Run) -> RunRow:
    return RunRow(r.id, r.status, r.prompt, r.result, r.duration_ms, r.created_at, r.ended_at, r.observed_at)


def _followup(f: tables.Followup) -> FollowupRow:
    # What waits with a reason is for a person to mend; without one it waits its turn.
    status = "blocked" if f.status in UNSENT and f.error_message else f.status
    return FollowupRow(str(f.id), f.prompt, status, f.run_id, f.error_message, f.created_by, f.created_at, f.sent_at)


def _time(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("cursor", "is not one that this server gave out; start again without it") from None
