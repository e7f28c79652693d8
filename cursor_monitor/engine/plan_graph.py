"""Tasks and what they wait for as a drawing: one column for each step of time, edges from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

NODE_WIDTH, NODE_HEIGHT = 176, 44
GAP_X, GAP_Y = 48, 14
MARGIN = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A task and the upper left corner of its box."""

    key: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
    """From what is waited for to what waits, as the `d` of an SVG path."""

    source: str
    target: str
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and edges, and the room that they take."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


def columns(waits: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The keys by the longest chain before them, in the order given; what is in a circle stands in the first column."""
    known = {key: [d for d in wanted if d in waits and d != key] for key, wanted in waits.items()}
    try:
        order = list(TopologicalSorter(known).static_order())
    except CycleError:
        return [list(waits)] if waits else []
    depth: dict[str, int] = {}
    for key in order:
        depth[key] = max((depth[d] + 1 for d in known[key]), default=0)
    made: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in waits:
        made[depth[key]].append(key)
    return _untangled(made, known)


def draw(waits: Mapping[str, Sequence[str]]) -> Drawing:
    """Place every task."""
    placed = columns(waits)
    tallest = max((len(column) for column in placed), default=0)
    height = max(2 * MARGIN + tallest * (NODE_HEIGHT + GAP_Y) - GAP_Y, 0) if tallest else 0
    nodes: dict[str, Node] = {}
    for number, column in enumerate(placed):
        used = len(column) * (NODE_HEIGHT + GAP_Y) - GAP_Y
        top = (height - used) // 2
        for row, key in enumerate(column):
            nodes[key] = Node(key, MARGIN + number * (NODE_WIDTH + GAP_X), top + row * (NODE_HEIGHT + GAP_Y))
    edges = tuple(
        Edge(d, key, _path(nodes[d], nodes[key])) for key, wanted in waits.items() for d in wanted if d in nodes
    )
    width = 2 * MARGIN + len(placed) * (NODE_WIDTH + GAP_X) - GAP_X if placed else 0
    return Drawing(tuple(nodes[key] for key in waits), edges, width, height)


def _untangled(made: list[list[str]], waits: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each column in the order of the middle of what its tasks wait for, so that few edges cross."""
    rows: dict[str, float] = {}
    for column in made:
        middle = {key: sum(rows[d] for d in waits[key]) / len(waits[key]) for key in column if waits[key]}
        column.sort(key=lambda key: middle.get(key, 0.0))
        rows.update({key: row - len(column) / 2 for row, key in enumerate(column)})
    return made


def _path(source: Node, target: Node) -> str:
    x1, y1 = source.x + NODE_WIDTH, source.y + NODE_HEIGHT // 2
    x2, y2 = target.x, target.y + NODE_HEIGHT // 2
    bend = max((x2 - x1) // 2, 20)
    return f"M {x1} {y1} C {x1 + bend} {y1}, {x2 - bend} {y2}, {x2} {y2}"
