"""What each account began and spent on each day (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.store import tables

_ADD = text("""
INSERT INTO spend_days AS d (day, account, agents, followups, cents)
VALUES (:day, :account, :agents, :followups, :cents)
ON CONFLICT (day, account) DO UPDATE SET
    agents = d.agents + excluded.agents, followups = d.followups + excluded.followups, cents = d.cents + excluded.cents
""")


def add(
    session: Session, account: str, at: datetime, *, agents: int = 0, followups: int = 0, cents: float = 0.0
) -> None:
    """Count what is begun or learned; the row of the day is held until the transaction ends."""
    if agents or followups or cents:
        values = {"day": at.astimezone(UTC).date(), "account": account}
        session.connection().execute(_ADD, {**values, "agents": agents, "followups": followups, "cents": cents})


def of_day(session: Session, account: str, at: datetime) -> tables.SpendDay:
    """What the account began and spent that day; all zero where nothing was."""
    day = at.astimezone(UTC).date()
    return session.get(tables.SpendDay, (day, account)) or tables.SpendDay(day=day, account=account)
