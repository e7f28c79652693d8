"""The tasks of a plan drawn by what waits for what: columns of boxes, coloured by state, with their lines."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.status_badge import status_icon
from cursor_monitor.state.plan_view import GraphEdge, GraphNode, GraphView


def task_graph(graph: rx.Var[GraphView]) -> rx.Component:
    """The drawing; it scrolls sideways where it is wider than its place."""
    return rx.el.figure(
        rx.el.div(
            rx.el.svg(
                rx.foreach(graph.edges, _edge),
                width=graph.width,
                height=graph.height,
                view_box=graph.view_box,
                aria_hidden="true",
            ),
            rx.el.ul(rx.foreach(graph.nodes, _node), aria_label="Task graph"),
            class_name="graph-canvas",
            style={"width": graph.width, "height": graph.height},
        ),
        class_name="graph",
        tab_index=0,
        aria_label="What waits for what",
    )


def _edge(edge: rx.Var[GraphEdge]) -> rx.Component:
    return rx.el.path(d=edge.path, key=edge.id)


def _node(node: rx.Var[GraphNode]) -> rx.Component:
    return rx.el.li(
        status_icon(node.status),
        rx.el.span(node.title, class_name="cut"),
        rx.cond(node.after != "", rx.el.span("after ", node.after, class_name="sr-only")),
        title=node.title,
        class_name=rx.cond(node.is_merge, "merge", ""),
        style={"left": node.left, "top": node.top},
        custom_attrs={"data-status": node.status, "data-key": node.key},
        key=node.key,
    )
