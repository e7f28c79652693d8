"""A plan as pages show it: what a dry run said, in words, and the drawing of what waits for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cursor_monitor.domain.orchestration import PlanTask
from cursor_monitor.engine.plan_candidates import without_candidates
from cursor_monitor.engine.plan_graph import draw
from cursor_monitor.engine.plan_merge import without_merge_steps
from cursor_monitor.services.dry_run import Preview

_SOURCES = {
    "request": "As you wrote it.",
    "prompt": "From the structure of the prompt.",
    "planner": "A planner agent reads the repository and makes the plan; it counts as an agent.",
}


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A task in the drawing; `left` and `top` are CSS lengths."""

    key: str
    title: str
    status: str
    left: str
    top: str
    after: str
    is_merge: bool


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A line from one task to the next."""

    id: str
    path: str


@dataclass(frozen=True, slots=True)
class GraphView:
    """The drawing of a plan."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    width: str
    height: str
    view_box: str


@dataclass(frozen=True, slots=True)
class PlannedView:
    """One task of a plan that is not launched yet."""

    key: str
    title: str
    prompt: str
    after: str
    is_merge: bool
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a launch would do."""

    source: str
    whence: str
    shared: str
    tasks: list[PlannedView]
    graph: GraphView
    agents: str
    limits: list[str]
    cost: str
    basis: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One task as a form begins with it; `after` holds the numbers of what it waits for."""

    title: str
    prompt: str
    after: str
    model: str = ""
    ref: str = ""
    key: str = ""
    best_of: str = ""
    models: str = ""


NO_GRAPH = GraphView([], [], "0px", "0px", "0 0 0 0")
NO_PLAN = PlanView("", "", "", [], NO_GRAPH, "", [], "", "")


def graph_view(tasks: Sequence[tuple[str, str, str, Sequence[str], bool]]) -> GraphView:
    """The drawing of tasks, each given as key, title, status, what it waits for, and whether it merges."""
    drawing = draw({key: after for key, _, _, after, _ in tasks})
    places = {node.key: node for node in drawing.nodes}
    nodes = [
        GraphNode(key, title, status, f"{places[key].x}px", f"{places[key].y}px", ", ".join(after), is_merge)
        for key, title, status, after, is_merge in tasks
    ]
    edges = [GraphEdge(f"{edge.source}>{edge.target}", edge.path) for edge in drawing.edges]
    return GraphView(nodes, edges, f"{drawing.width}px", f"{drawing.height}px", f"0 0 {drawing.width} {drawing.height}")


def plan_view(preview: Preview) -> PlanView:
    """A dry run in words."""
    tried = {t.candidate_of for t in preview.tasks}
    tasks = [
        PlannedView(t.key, t.title, t.prompt, ", ".join(t.depends_on), t.is_merge, t.key in tried)
        for t in preview.tasks
    ]
    rounds = f", in {preview.rounds} rounds" if preview.rounds > 1 else ""
    least = "at least " if preview.source == "planner" else ""
    cents = preview.estimate.cents
    return PlanView(
        source=preview.source,
        whence=_SOURCES.get(preview.source, ""),
        shared=preview.shared.strip(),
        tasks=tasks,
        graph=graph_view([(t.key, t.title, "pending", t.depends_on, t.is_merge) for t in preview.tasks]),
        agents=f"{least}{preview.agents} agent{'s' if preview.agents != 1 else ''}{rounds}",
        limits=[limit.message for limit in preview.limits],
        cost="unknown" if cents is None else f"about {cents / 100:.2f} US dollars",
        basis=preview.estimate.basis,
    )


def drafts_of(tasks: Sequence[PlanTask]) -> list[Draft]:
    """The tasks as a person edits them: without merge steps and candidates, waiting for numbers."""
    plain = without_merge_steps(without_candidates(tasks))
    numbers = {task.key: str(number) for number, task in enumerate(plain, 1)}
    return [
        Draft(
            title=task.title,
            prompt=task.prompt.strip(),
            after=", ".join(numbers[key] for key in task.depends_on),
            model=task.model or "",
            ref=task.ref or "",
            key=task.key,
            best_of=str(task.best_of or ""),
            models=", ".join(task.models),
        )
        for task in plain
    ]
