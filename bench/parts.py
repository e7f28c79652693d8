"""The parts of the benchmark, in the order they are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import decide, idle, live, outbox, outbox_complaints, pages, start, step, streams, watch
from bench.figures import Figure, Results


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured together, and how, in words; `told` is what the document says of its figures besides."""

    title: str
    how: str
    figures: tuple[str, ...]
    measure: Callable[[], list[Figure]]
    told: Callable[[Results], str] | None = None


PARTS = {
    "decide": Part(decide.TITLE, decide.HOW, ("decide_200_tasks",), decide.measure),
    "step": Part(step.TITLE, step.HOW, ("step",), step.measure),
    "start": Part(start.TITLE, start.HOW, ("start_from_nothing", "start_again"), start.measure),
    "live": Part(live.TITLE, live.HOW, ("commit_to_page",), live.measure),
    "outbox": Part(
        outbox.TITLE,
        outbox.HOW,
        outbox.FIGURES,
        outbox.measure,
        outbox_complaints.told,
    ),
    "idle": Part(idle.TITLE, idle.HOW, ("worker_idle_cpu", "worker_memory", "app_memory"), idle.measure),
    "watch": Part(
        watch.TITLE,
        watch.HOW,
        (
            "watch_by_list",
            "watch_by_webhook",
            "watch_calls",
            "watch_cpu",
            "watch_memory",
            "watch_cold_start",
        ),
        watch.measure,
    ),
    "streams": Part(
        streams.TITLE,
        streams.HOW,
        ("streams_wrong", "streams_delay", "streams_cpu", "streams_memory"),
        streams.measure,
    ),
    "pages": Part(pages.TITLE, pages.HOW, pages.FIGURES, pages.measure),
}
