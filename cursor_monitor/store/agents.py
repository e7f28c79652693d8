"""The fleet: agents, their runs and their follow-ups, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import func, or_, text, tuple_
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from cursor_monitor.store import accounts, tables

T = TypeVar("T")

_NOW = text("clock_timestamp()")
_NOTE_OUTPUT = text("""
UPDATE agents a SET active_at = d.at FROM (
    SELECT a.id, d.at FROM unnest(CAST(:ids AS text[]), CAST(:moments AS timestamptz[])) AS d (id, at)
    JOIN agents a ON a.id = d.id AND a.active_at < d.at - interval '10 s' ORDER BY a.id FOR NO KEY UPDATE OF a) AS d
WHERE a.id = d.id
""")
_REFS = text("""
SELECT DISTINCT r.ref FROM (SELECT ref, branch FROM agents WHERE repository = :repository
                            ORDER BY created_at DESC, id DESC LIMIT :most) a
CROSS JOIN LATERAL (VALUES (a.ref), (a.branch)) AS r (ref) WHERE r.ref IS NOT NULL ORDER BY r.ref
""")
_WITH_STREAM = text("INSERT INTO run_streams (run_id, agent_id) VALUES (:run_id, :agent_id) ON CONFLICT DO NOTHING")


class Listed(NamedTuple):
    """An agent as far as Cursor's list tells of it."""

    id: str
    launch_status: str
    agent_status: str | None
    latest_run_id: str | None
    listed_update: datetime | None


def insert_agent(session: Session, **values: Any) -> None:
    """Write a new agent; one that is already there is left as it is."""
    insert_agents(session, [values])


def insert_agents(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new agents of which the same is known; those that are already there are left as they are."""
    if rows:
        whole = [{"active_at": row.get("listed_update") or row["created_at"], **row} for row in rows]
        table = tables.Agent.__table__  # pyright: ignore[reportAttributeAccessIssue]
        session.connection().execute(insert(table).on_conflict_do_nothing(index_elements=["id"]), whole)


def find(session: Session, agent_id: str, *, lock: bool = False) -> tables.Agent | None:
    """One agent; with `lock`, its row is held until the transaction ends, and read anew."""
    query = select(tables.Agent).where(tables.Agent.id == agent_id)
    return session.exec(_held(query) if lock else query).one_or_none()


def account_of(session: Session, agent_id: str) -> str | None:
    """The account that an agent belongs to; None where the agent is not known."""
    return session.exec(select(tables.Agent.account_id).where(tables.Agent.id == agent_id)).one_or_none()


def live_task(session: Session, agent_id: str) -> str | None:
    """The key of the task whose orchestration, not yet ended, works with this agent."""
    query = text(
        "SELECT t.key FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id"
        " JOIN orchestration_tasks t ON t.orchestration_id = o.id AND t.agent_id = a.id"
        " WHERE a.id = :id AND o.status NOT IN ('completed', 'partial', 'error', 'stopped')"
    )
    return session.connection().execute(query, {"id": agent_id}).scalar()


def update(session: Session, agent_id: str, **values: Any) -> None:
    """Change columns of one agent."""
    table = tables.Agent.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == agent_id).values(updated_at=_NOW, **values))


def select_working(session: Session, account_id: str) -> Sequence[tuple[str, datetime]]:
    """The account's agents whose newest run has not ended, as far as is known, and since when they are there."""
    row = tables.Agent
    since = func.coalesce(row.launched_at, row.created_at)
    working = select(row.id, since).where(col(row.is_working).is_(True), row.account_id == account_id)
    return [(key, at) for key, at in session.exec(working)]


def select_many(session: Session, ids: Sequence[str], *, lock: bool = True) -> Sequence[tables.Agent]:
    """The agents among these ids that are known; with `lock`, their rows are held until the transaction ends."""
    row = tables.Agent
    query = select(row).where(col(row.id).in_(ids)).order_by(col(row.id))
    return session.exec(_held(query) if lock else query).all()


def select_owned(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these agents that an orchestration, not yet ended, works with."""
    query = text(
        "SELECT a.id FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id"
        " JOIN orchestration_tasks t ON t.orchestration_id = o.id AND t.agent_id = a.id"
        " WHERE a.id = ANY(:ids) AND o.status NOT IN ('completed', 'partial', 'error', 'stopped')"
    )
    return set(session.connection().execute(query, {"ids": list(ids)}).scalars())


def select_awaiting_followup(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these agents to whom a follow-up is still to be sent."""
    row = tables.Followup
    is_unsent = col(row.status).in_(("requested", "sending"))
    return set(session.exec(select(row.agent_id).where(col(row.agent_id).in_(ids), is_unsent)).all())


def select_listed(session: Session, ids: Sequence[str]) -> Sequence[Listed]:
    """What is known of the agents among these ids, as far as Cursor's list tells it anew."""
    columns = [getattr(tables.Agent, name) for name in Listed._fields]
    query = sql_select(*columns).where(col(tables.Agent.id).in_(ids))
    return [Listed(*row) for row in session.connection().execute(query)]


def select_unseen(session: Session, account_id: str, before: datetime, most: int) -> Sequence[str]:
    """The account's working agents that had no look of their own since, those that wait the longest first."""
    row = tables.Agent
    is_due = or_(col(row.observed_at).is_(None), col(row.observed_at) < before)
    query = select(row.id).where(col(row.is_working).is_(True), row.account_id == account_id, is_due)
    return session.exec(query.order_by(col(row.observed_at).nulls_first(), row.id).limit(most)).all()


def select_unread_usage(session: Session, *, settled_seconds: float, limit: int) -> Sequence[str]:
    """The agents at rest, of the last week, whose usage was not read since their last sign of life."""
    query = text(
        "SELECT id FROM agents WHERE active_at BETWEEN statement_timestamp() - interval '7 days'"
        " AND statement_timestamp() - make_interval(secs => :seconds) AND launch_status = 'launched' AND NOT is_working"
        " AND shelf <> 'deleted' AND (usage_at IS NULL OR usage_at < active_at + make_interval(secs => :seconds))"
        " ORDER BY active_at DESC, id DESC LIMIT :limit"
    )
    return session.connection().execute(query, {"seconds": settled_seconds, "limit": limit}).scalars().all()


def select_known_runs(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are runs we know."""
    return set(session.exec(select(tables.Run.id).where(col(tables.Run.id).in_(ids))).all())


def select_unlisted(
    session: Session, account_id: str, *, listed_before: datetime, launched_before: datetime
) -> Sequence[str]:
    """The account's agents that Cursor should have and that its list has not named since."""
    row = tables.Agent
    query = select(row.id).where(row.launch_status == "launched", col(row.launched_at) < launched_before)
    query = query.where(row.account_id == account_id)
    is_unlisted = or_(col(row.listed_at).is_(None), col(row.listed_at) < listed_before)
    is_there = col(row.agent_status).is_distinct_from("DELETED")
    return session.exec(query.where(is_unlisted, is_there).order_by(row.id)).all()


def mark_listed(session: Session, ids: Sequence[str]) -> None:
    """Note that the list names these agents."""
    table = tables.Agent.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id.in_(ids)).values(listed_at=_NOW))


def select_with_branch(
    session: Session, *, repository: str | None, account: str | None, before: tuple[datetime, str] | None, limit: int
) -> Sequence[tables.Agent]:
    """A page of the agents that pushed a branch, newest first."""
    row = tables.Agent
    query = select(row).where(col(row.branch).is_not(None))
    if account:
        query = query.where(col(row.account_id).in_(accounts.ids_named(account)))
    if repository:
        query = query.where(col(row.repository).icontains(repository, autoescape=True))
    if before is not None:
        query = query.where(tuple_(col(row.created_at), col(row.id)) < before)
    return session.exec(query.order_by(col(row.created_at).desc(), col(row.id).desc()).limit(limit)).all()


def select_refs(session: Session, repository: str, most: int) -> Sequence[str]:
    """What the newest agents of a repository started from or pushed, each once."""
    return session.connection().execute(_REFS, {"repository": repository, "most": most}).scalars().all()


def save_run(session: Session, **values: Any) -> None:
    """Write what was observed of a run, whose stream is then read; what is known is kept, what ended stays ended."""
    note_activity(session, values["agent_id"], values.get("ended_at") or values["created_at"])
    statement = insert(tables.Run.__table__).values(observed_at=_NOW, **values)  # pyright: ignore[reportAttributeAccessIssue]
    new, old = statement.excluded, tables.Run.__table__.c  # pyright: ignore[reportAttributeAccessIssue]
    kept = {
        name: text(f"coalesce(excluded.{name}, agent_runs.{name})")
        for name in ("prompt", "result", "duration_ms", "ended_at")
    }
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={**kept, "status": new.status, "observed_at": new.observed_at},
            where=old.ended_at.is_(None),
        )
    )
    session.connection().execute(_WITH_STREAM, {"run_id": values["id"], "agent_id": values["agent_id"]})


def note_activity(session: Session, agent_id: str, at: datetime) -> None:
    """The agent gave a sign of life then; an older one than is known changes nothing."""
    table = tables.Agent.__table__  # pyright: ignore[reportAttributeAccessIssue]
    is_newer = (table.c.id == agent_id) & (table.c.active_at < at)
    session.connection().execute(table.update().where(is_newer).values(active_at=at))


def note_output(session: Session, heard: Mapping[str, datetime]) -> None:
    """These agents said something then; many times a second, so a moment close to the one known changes nothing."""
    rows = {"ids": list(heard), "moments": list(heard.values())}
    session.connection().execute(_NOTE_OUTPUT, rows)


def select_runs(session: Session, agent_id: str) -> Sequence[tables.Run]:
    """The runs of an agent, oldest first."""
    query = select(tables.Run).where(tables.Run.agent_id == agent_id)
    return session.exec(query.order_by(col(tables.Run.created_at), col(tables.Run.id))).all()


def insert_followup(session: Session, **values: Any) -> None:
    """Write a new follow-up."""
    session.connection().execute(insert(tables.Followup.__table__).values(**values))  # pyright: ignore[reportAttributeAccessIssue]


def find_followup(session: Session, followup_id: UUID, *, lock: bool = False) -> tables.Followup | None:
    """One follow-up; with `lock`, its row is held until the transaction ends."""
    query = select(tables.Followup).where(tables.Followup.id == followup_id)
    return session.exec(_held(query) if lock else query).one_or_none()


def update_followup(session: Session, followup_id: UUID, **values: Any) -> None:
    """Change columns of one follow-up."""
    table = tables.Followup.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == followup_id).values(**values))


def cancel_followups(session: Session, ids: Sequence[UUID], reason: str) -> None:
    """Let those of these follow-ups go that were not sent and will not be."""
    table = tables.Followup.__table__  # pyright: ignore[reportAttributeAccessIssue]
    is_unsent = table.c.id.in_(ids) & table.c.status.in_(("requested", "sending"))
    session.connection().execute(table.update().where(is_unsent).values(status="cancelled", error_message=reason))


def select_followups(session: Session, agent_id: str) -> Sequence[tables.Followup]:
    """The follow-ups of an agent, oldest first."""
    query = select(tables.Followup).where(tables.Followup.agent_id == agent_id)
    return session.exec(query.order_by(col(tables.Followup.created_at), col(tables.Followup.id))).all()


def _held(query: SelectOfScalar[T]) -> SelectOfScalar[T]:
    # What the session read before it had the lock may be out of date by now, and would be given out again.
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)
