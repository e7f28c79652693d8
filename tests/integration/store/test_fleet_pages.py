"""The fleet looked through with 12,000 agents in it: from an index in every order, each agent once, in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.fleet import SORTS, FleetFilter, Order
from cursor_monitor.queries import fleet
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import fleet as store
from cursor_monitor.store.database import reading
from tests.support.fleets import fill
from tests.support.postgres import ask_one

COUNT = 12_000
ORDERS = [Order(sort, descending) for sort, descending in product(SORTS, (True, False))]
FILTERS = [
    FleetFilter(),
    FleetFilter(status="failed"),
    FleetFilter(status="queued"),
    FleetFilter(repository="acme/repo-7"),
    FleetFilter(origin="person", status="finished"),
    FleetFilter(tag="tag 5"),
    FleetFilter(tag="nobody has it"),
    FleetFilter(shelf="archived"),
    FleetFilter(shelf="current"),
    FleetFilter(pinned=True),
    FleetFilter(q="part 7"),
    FleetFilter(q="repo-7 mend"),
]


@pytest.fixture(scope="module")
def many(make_database: Callable[[], str]) -> Iterator[str]:
    url = make_database()
    fill(url, COUNT)
    open_all(Settings(database_url=url))
    yield url
    close_all()


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_every_page_comes_from_an_index(many: str, order: Order) -> None:
    for wanted in FILTERS:
        plans = plans_of(lambda wanted=wanted: second_page(wanted, order))
        assert len(plans) >= 2
        assert not any("Seq Scan on agents" in plan for plan in plans), (wanted, plans)


def second_page(wanted: FleetFilter, order: Order) -> None:
    with reading() as session:
        first = store.select_page(session, wanted, order, after=None, limit=50)
        after = first[-1][1] if first else store.select_page(session, FleetFilter(), order, after=None, limit=1)[0][1]
        store.select_page(session, wanted, order, after=after, limit=50)


def plans_of(use: Callable[[], None]) -> list[str]:
    """How Postgres goes about each page that is asked for."""
    plans: list[str] = []

    def explain(connection: Connection, cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "ORDER BY" in statement and not statement.startswith("EXPLAIN"):
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
            plans.append("\n".join(row[0] for row in rows))

    with reading() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", explain)
    try:
        use()
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    return plans


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_pages_hold_every_agent_once_and_in_order(many: str, order: Order) -> None:
    seen, cursor = [], None
    wanted = FleetFilter(repository="acme/repo-7")
    while True:
        page = fleet.list_agents(wanted, order, cursor=cursor, limit=25)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len({row.id for row in seen}) == COUNT // 200
    value = {
        "created": lambda row: row.created_at,
        "activity": lambda row: row.active_at,
        "cost": lambda row: -1 if row.cost_cents is None else row.cost_cents,
        "name": lambda row: row.name.lower(),
        "status": lambda row: row.state,
    }[order.sort]
    values = [value(row) for row in seen]
    assert values == sorted(values, reverse=order.descending)


def test_a_cursor_of_another_order_is_refused(many: str) -> None:
    cursor = fleet.list_agents(order=Order("name", False), limit=2).next_cursor
    for order in (Order("name", True), Order("cost", False), Order()):
        with pytest.raises(Invalid, match="cursor"):
            fleet.list_agents(order=order, cursor=cursor)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (FleetFilter(), COUNT),
        (FleetFilter(status="working"), COUNT // 6),
        (FleetFilter(q="part 777"), 11),
        (FleetFilter(q="CURSOR/branch-11999 acme"), 1),
        (FleetFilter(q="<script> & | ! () :* ' \\ 777"), 0),
        (FleetFilter(q="'"), 0),
        (FleetFilter(tag="tag 5"), COUNT // 10),
        (FleetFilter(repository="github.com/acme/repo-19"), 11 * COUNT // 200),
    ],
)
def test_filters_count_what_they_should(many: str, wanted: FleetFilter, count: int) -> None:
    assert fleet.count_agents(wanted) == count


def test_groups_add_up(many: str) -> None:
    for by in ("repository", "status", "origin"):
        assert sum(group.count for group in fleet.list_groups(by)) == COUNT
    assert fleet.list_groups("tag") == (fleet.GroupRow("tag 5", COUNT // 10),)
    assert [g.value for g in fleet.list_groups("status", FleetFilter(status="failed"))] == ["failed"]


def test_a_page_takes_a_moment(many: str) -> None:
    took: list[float] = []
    for order, wanted in product(ORDERS, FILTERS):
        begun = time.perf_counter()
        fleet.list_agents(wanted, order)
        took.append(time.perf_counter() - begun)
    p95 = sorted(took)[int(len(took) * 0.95)]
    assert p95 < 0.2, f"{p95 * 1000:.1f} ms, the longest {max(took) * 1000:.1f} ms"


def test_the_words_of_hostile_text_can_be_kept_and_found(many: str) -> None:
    text = "<script>" + "x" * 10_000 + "\u202e\u200b مرحبا " + " ".join(map(str, range(20_000)))
    query = "SELECT length(agent_words('bc-1', %s, NULL, NULL, %s)::text) > 0"
    assert ask_one(many, query, (text, text))
