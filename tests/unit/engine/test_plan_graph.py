"""The drawing of a plan: every task once, in columns of time, no two boxes in one place, lines only forward."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.engine.plan_graph import NODE_HEIGHT, NODE_WIDTH, columns, draw


@st.composite
def plans(draw_one: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Any plan without circles, up to forty tasks."""
    waits: dict[str, tuple[str, ...]] = {}
    for number in range(draw_one(st.integers(0, 40))):
        known = list(waits)
        chosen = draw_one(st.lists(st.sampled_from(known), unique=True, max_size=4)) if known else []
        waits[f"t{number}"] = tuple(chosen)
    return waits


@given(waits=plans())
def test_every_plan_can_be_drawn(waits: dict[str, tuple[str, ...]]) -> None:
    drawing = draw(waits)
    assert [node.key for node in drawing.nodes] == list(waits)
    places = {node.key: (node.x, node.y) for node in drawing.nodes}
    assert len(set(places.values())) == len(waits), "no two boxes in one place"
    for node in drawing.nodes:
        assert 0 <= node.x <= drawing.width - NODE_WIDTH
        assert 0 <= node.y <= drawing.height - NODE_HEIGHT
    lines = {(edge.source, edge.target) for edge in drawing.edges}
    assert lines == {(d, key) for key, wanted in waits.items() for d in wanted}
    assert all(places[a][0] + NODE_WIDTH < places[b][0] for a, b in lines), "time goes to the right"


def test_a_diamond_has_three_columns() -> None:
    assert columns({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}) == [["a"], ["b", "c"], ["d"]]


def test_what_cannot_be_is_drawn_all_the_same() -> None:
    assert columns({"a": ("b",), "b": ("a",)}) == [["a", "b"]]
    assert columns({"a": ("nowhere", "a")}) == [["a"]]
    assert draw({}).nodes == ()
