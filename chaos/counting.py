"""How much of everything there was in a fault run, by the database and the simulator's ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from chaos.evidence import Evidence
from tests.support.postgres import ask

Figures = Mapping[str, int | Mapping[str, int]]  # a number, or numbers by their kinds

_BY_KIND: Mapping[str, LiteralString] = {
    "orchestrations": "SELECT status, count(*) FROM orchestrations GROUP BY 1 ORDER BY 1",
    "tasks": "SELECT status, count(*) FROM orchestration_tasks WHERE position >= 0 GROUP BY 1 ORDER BY 1",
    "follow-ups": "SELECT status, count(*) FROM agent_followups GROUP BY 1 ORDER BY 1",
    "dead letters": "SELECT kind, count(*) FROM orchestration_outbox_dead GROUP BY 1 ORDER BY 1",
}
_TOTALS: Mapping[str, LiteralString] = {
    "events": "SELECT count(*) FROM orchestration_events",
    "jobs": "SELECT count(*) FROM orchestration_outbox_jobs",
    "tries of jobs": "SELECT coalesce(sum(attempts), 0)::bigint FROM orchestration_outbox_jobs",
}


def count(given: Evidence) -> Figures:
    """All of it."""
    drive = given.drive
    return {
        **{name: dict(ask(given.url, query)) for name, query in _BY_KIND.items()},
        "agents": len(given.paid),
        "runs": sum(len(agent["runs"]) for agent in given.paid.values()),
        **{name: int(ask(given.url, query)[0][0]) for name, query in _TOTALS.items()},
        "blows": dict(sorted(drive.blows_struck.items())),
        "workers frozen while sending, so ended by the kernel": len(drive.world.timed_out),
        "people": dict(sorted(drive.people.acts.items())),
        "answers that were no success": sum(given.ledger["rejected"].values()),
    }


def in_words(figures: Figures) -> list[str]:
    """One line for each."""
    return [f"{name}: {_told(value)}" for name, value in figures.items()]


def _told(value: int | Mapping[str, int]) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(f"{name} {number:,}" for name, number in value.items()) or "none"
