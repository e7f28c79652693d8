"""Query plans: what a statement reads, and how much of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from cursor_monitor.store import database

Plan = dict[str, Any]


def explained(work: Callable[[], object], marker: str) -> Plan:
    """The plan of the first statement with the marker, executed once more than the work does and undone."""
    plans: list[Plan] = []

    def explain(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if marker in statement and not plans:
            other = conn.connection.cursor()
            other.execute("SAVEPOINT here")
            other.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, parameters)
            found = other.fetchone()[0]
            other.execute("ROLLBACK TO here")
            plans.append((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])

    engine = database._opened()
    event.listen(engine, "before_cursor_execute", explain)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    return plans[0]


def indexes(plan: Plan) -> set[str]:
    """The indexes that the plan reads; "table" for one that is read from end to end."""
    own = {plan["Index Name"]} if "Index Name" in plan else set()
    whole = {"table"} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(whole, *(indexes(part) for part in plan.get("Plans", [])))


def buffers(plan: Plan) -> int:
    """The blocks that the plan touches."""
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
