"""What the code host said of an agent's work; what is not known is said to be unknown, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cursor_monitor.domain.code_host import ChangedFile, Check, target_of
from cursor_monitor.store import code_hosts, heartbeats, tables


@dataclass(frozen=True, slots=True)
class CodeHostRow:
    """The newest word of the code host; `unknown_because` where there is none, or none from just now."""

    unknown_because: str | None = None
    repository: str | None = None
    branch: str | None = None
    head_sha: str | None = None
    pr_number: int | None = None
    pr_url: str | None = None
    pr_state: str | None = None
    mergeable: bool | None = None
    checks_summary: str = "unknown"
    checks: tuple[Check, ...] = ()
    checks_total: int | None = None
    changed_files: tuple[ChangedFile, ...] = ()
    files_total: int | None = None
    notes: tuple[str, ...] = ()
    observed_at: datetime | None = None


def code_host_row(session: Session, agent: tables.Agent) -> CodeHostRow:
    """What is known of one agent's work."""
    state = code_hosts.find_state(session, agent.id)
    if state is None:
        return CodeHostRow(unknown_because=_why_never(session, agent), branch=agent.branch)
    return CodeHostRow(
        unknown_because=_why_not_now(state),
        repository=state.repository,
        branch=state.branch,
        head_sha=state.head_sha,
        pr_number=state.pr_number,
        pr_url=state.pr_url,
        pr_state=state.pr_state,
        mergeable=state.mergeable,
        checks_summary=state.checks_summary,
        checks=tuple(Check(**check) for check in state.checks),
        checks_total=state.checks_total,
        changed_files=tuple(ChangedFile(**file) for file in state.changed_files),
        files_total=state.files_total,
        notes=tuple(state.notes),
        observed_at=state.observed_at,
    )


def _why_never(session: Session, agent: tables.Agent) -> str:
    if not agent.branch and not agent.pr_url:
        return "Nothing was pushed yet, as far as Cursor tells."
    beats = heartbeats.select_newest_per_worker(session)
    host = next((str(beat.details["code_host"]) for beat in beats if beat.details.get("code_host")), None)
    if host is None:
        return "Set GITHUB_TOKEN to see pull requests, checks and changed files."
    if target_of(agent.repository, agent.branch, agent.pr_url, agent.ref, host) is None:
        return f"Only repositories at {host} are looked at."
    return "Not looked at yet."


def _why_not_now(state: tables.CodeHostState) -> str | None:
    match state.error_kind:
        case None:
            return None
        case "token":
            return "The code host refuses the token; put a valid one in GITHUB_TOKEN."
        case "access":
            return f"The token may not see {state.repository}, or it is not there: {state.error_message}"
        case "limited":
            return "The code host's rate limit is reached; it is asked again later."
        case _:
            return "The code host did not answer; it is asked again."
