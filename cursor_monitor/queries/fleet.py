"""Looking through the fleet: pages, counts, groups and tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.fleet import GROUPS, FleetFilter, Order, check_filter
from cursor_monitor.queries.agents import AgentRow, row_of
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.queries.truth import truth_rows
from cursor_monitor.store import fleet as store
from cursor_monitor.store.database import reading

MOST_COUNTED = 100_000
_GROUPS_SHOWN = 200
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class GroupRow:
    """How many agents have something in common; `value` None for those that have none of it."""

    value: str | None
    count: int


def list_agents(
    wanted: FleetFilter | None = None, order: Order | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[AgentRow]:
    """A page of the fleet, the newest first unless told otherwise; raises Invalid for an unknown word or cursor."""
    check_limit(limit)
    return _page(wanted or FleetFilter(), order or Order(), cursor, limit)


def count_agents(wanted: FleetFilter) -> int:
    """How many agents fit, counted no further than MOST_COUNTED."""
    with reading() as session:
        return store.count(session, check_filter(wanted), MOST_COUNTED)


def list_groups(by: str, wanted: FleetFilter | None = None) -> tuple[GroupRow, ...]:
    """How many agents of each repository, status, tag or origin, the most first; raises Invalid for another word."""
    if by not in GROUPS:
        raise Invalid("by", f"must be one of {', '.join(GROUPS)}")
    with reading() as session:
        found = store.select_groups(session, check_filter(wanted or FleetFilter()), by, _GROUPS_SHOWN)
    return tuple(GroupRow(value, count) for value, count in found)


def every_agent(wanted: FleetFilter, order: Order | None = None, most: int = MOST_COUNTED) -> Iterator[AgentRow]:
    """All agents that fit, read piece by piece."""
    cursor, left = None, most
    while left > 0:
        page = _page(wanted, order or Order(), cursor, min(_CHUNK, left))
        yield from page.items
        left -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _page(wanted: FleetFilter, order: Order, cursor: str | None, limit: int) -> Page[AgentRow]:
    chosen = check_filter(wanted)
    after = _place(cursor, order)
    with reading() as session:
        found = store.select_page(session, chosen, order, after=after, limit=limit + 1)
        ids = [agent.id for agent, _ in found[:limit]]
        tags, truths = store.select_tags(session, ids), truth_rows(session, ids)
        pinned = store.select_pinned(session, ids, chosen.pins_of)
    rows = tuple(
        row_of(agent, tags[agent.id], truths[agent.id], is_pinned=agent.id in pinned) for agent, _ in found[:limit]
    )
    if len(found) <= limit:
        return Page(rows, None)
    return Page(rows, encode_cursor(str(order), *map(_plain, found[limit - 1][1])))


def _place(cursor: str | None, order: Order) -> tuple[Any, ...] | None:
    readers = _READERS[order.sort]
    values = decode_cursor(cursor, len(readers) + 2)
    if values is None:
        return None
    try:
        if values[0] != str(order):
            raise ValueError
        return (*(read(value) for read, value in zip(readers, values[1:-1], strict=True)), values[-1])
    except (ValueError, OverflowError):
        raise Invalid("cursor", "is not one that this server gave out for this order; start again") from None


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


_READERS: dict[str, tuple[Callable[[str], Any], ...]] = {
    "created": (_time,),
    "activity": (_time,),
    "cost": (float,),
    "name": (str,),
    "status": (str, _time),
}
