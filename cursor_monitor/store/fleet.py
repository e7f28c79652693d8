"""The fleet looked through: pages in every order, counts, groups and tags; each answered from an index."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Double, Text, any_, delete, func, literal_column, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.domain.fleet import FleetFilter, Order
from cursor_monitor.store import accounts, tables

_ROW = tables.Agent
_WORDS: ColumnElement[Any] = literal_column(
    "agent_words(agents.id, agents.name, agents.repository, agents.branch, agents.prompt)"
)
# The same punctuation that agent_words() takes for a space.
_BETWEEN = re.compile(r"""[\s/:._\-@#?&=+,;()\[\]{}<>"'!|\\`*~%$^]+""")
_OWNER_REPO = re.compile(r"[^\s/]+/[^\s/]+")

# Written out, so that they are the expressions of the indexes to the letter.
_KEYS: dict[str, tuple[Any, ...]] = {
    "created": (col(_ROW.created_at),),
    "activity": (col(_ROW.active_at),),
    "cost": (literal_column("coalesce(agents.cost_cents, -1)", Double),),
    "name": (literal_column("lower(left(coalesce(agents.name, ''), 60))", Text),),
    "status": (col(_ROW.state), col(_ROW.created_at)),
}
_GROUPS: dict[str, Any] = {
    "repository": col(_ROW.repository),
    "status": col(_ROW.state),
    "origin": col(_ROW.origin),
    "tag": col(tables.Tag.tag),
}


def select_page(
    session: Session, wanted: FleetFilter, order: Order, *, after: Sequence[Any] | None, limit: int
) -> list[tuple[tables.Agent, tuple[Any, ...]]]:
    """Agents in an order, each with its place in it; `after` is the place of the last one seen."""
    keys = (*_KEYS[order.sort], col(_ROW.id))
    query = select(_ROW, *keys).where(*conditions(wanted))  # type: ignore[call-overload]
    if after is not None:
        place, last = tuple_(*keys), tuple_(*after)
        query = query.where(place < last if order.descending else place > last)
    ordered = [key.desc() if order.descending else key.asc() for key in keys]
    return [(row[0], tuple(row[1:])) for row in session.exec(query.order_by(*ordered).limit(limit))]


def count(session: Session, wanted: FleetFilter, most: int) -> int:
    """How many there are, counted no further than `most`."""
    some = select(col(_ROW.id)).where(*conditions(wanted)).limit(most).subquery()
    return session.connection().execute(select(func.count()).select_from(some)).scalar_one()


def select_ids(session: Session, wanted: FleetFilter, limit: int) -> list[str]:
    """The ids of those that fit, in their own order."""
    query = select(_ROW.id).where(*conditions(wanted)).order_by(col(_ROW.id)).limit(limit)
    return list(session.exec(query).all())


def select_groups(session: Session, wanted: FleetFilter, by: str, limit: int) -> list[tuple[str | None, int]]:
    """How many there are of each, the most first."""
    key, number = _GROUPS[by], func.count()
    query = select(key, number).where(*conditions(wanted)).group_by(key).order_by(number.desc(), key).limit(limit)
    query = query.select_from(tables.Agent)
    if by == "tag":
        query = query.join(tables.Tag, col(tables.Tag.agent_id) == col(_ROW.id))
    return [(value, many) for value, many in session.connection().execute(query)]


def conditions(wanted: FleetFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on the table of agents."""
    found: list[ColumnElement[bool]] = []
    for column, value in ((_ROW.state, wanted.status), (_ROW.origin, wanted.origin), (_ROW.shelf, wanted.shelf)):
        if value is not None:
            found.append(col(column) == value)
    if wanted.account is not None:
        found.append(col(_ROW.account_id).in_(accounts.ids_named(wanted.account)))
    if wanted.repository is not None:
        found.append(_in_repository(wanted.repository))
    if wanted.tag is not None:
        tagged = select(tables.Tag.agent_id).where(tables.Tag.tag == wanted.tag)
        found.append(col(_ROW.id).in_(tagged))
    if wanted.pinned is not None:
        pins = select(tables.Pin.agent_id).where(tables.Pin.owner == wanted.pins_of)
        # As an array: few they are, and what is joined to few would still have all agents read.
        is_pinned = col(_ROW.id) == any_(func.array(pins.scalar_subquery()))
        found.append(is_pinned if wanted.pinned else ~col(_ROW.id).in_(pins))
    if wanted.q is not None:
        found.append(_WORDS.op("@@")(func.to_tsquery(literal_column("'simple'"), _beginnings(wanted.q))))
    return found


def add_tags(session: Session, agent_ids: Sequence[str], tag: str, by: str) -> None:
    """Put a tag on agents; one that is there already stays."""
    rows = [{"agent_id": agent_id, "tag": tag, "created_by": by} for agent_id in agent_ids]
    if rows:
        statement = insert(tables.Tag.__table__).values(rows)  # pyright: ignore[reportAttributeAccessIssue]
        session.connection().execute(statement.on_conflict_do_nothing())


def remove_tags(session: Session, agent_ids: Sequence[str], tag: str) -> None:
    """Take a tag off agents."""
    row = tables.Tag
    session.connection().execute(delete(row).where(col(row.agent_id).in_(agent_ids), col(row.tag) == tag))


def set_pinned(session: Session, agent_ids: Sequence[str], owner: str, is_pinned: bool) -> None:
    """Pin agents for somebody, or let them go."""
    row = tables.Pin
    if not is_pinned:
        session.connection().execute(delete(row).where(col(row.agent_id).in_(agent_ids), col(row.owner) == owner))
    elif agent_ids:
        rows = [{"agent_id": agent_id, "owner": owner} for agent_id in agent_ids]
        statement = insert(row.__table__).values(rows)  # pyright: ignore[reportAttributeAccessIssue]
        session.connection().execute(statement.on_conflict_do_nothing())


def select_pinned(session: Session, agent_ids: Sequence[str], owner: str) -> set[str]:
    """Those of these agents that somebody pinned."""
    row = tables.Pin
    return set(session.exec(select(row.agent_id).where(col(row.agent_id).in_(agent_ids), row.owner == owner)).all())


def select_tags(session: Session, agent_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The tags of agents, in the order of the alphabet."""
    row = tables.Tag
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    query = select(row.agent_id, row.tag).where(col(row.agent_id).in_(agent_ids)).order_by(row.tag)
    for agent_id, tag in session.exec(query):
        found[agent_id] += (tag,)
    return found


def _in_repository(value: str) -> ColumnElement[bool]:
    column = col(_ROW.repository)
    if value.startswith("https://"):
        return column == value
    if _OWNER_REPO.fullmatch(value):
        return column == f"https://github.com/{value}"
    return column.icontains(value, autoescape=True)


def _beginnings(text: str) -> str:
    """Every word of the text, each as the beginning of a longer one."""
    return " & ".join(f"'{word}':*" for word in _BETWEEN.split(text) if word)
