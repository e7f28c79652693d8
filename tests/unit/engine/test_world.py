"""`decide` played against whole worlds: whatever happens, in whatever order, it ends, within what was allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.fold import rebuild
from cursor_monitor.store import codec
from tests.builders import NOW, ORCHESTRATION_ID, a_planned_task
from tests.unit.engine.world import World

options = st.builds(
    Options,
    max_parallel_agents=st.integers(1, 3),
    max_iterations=st.integers(1, 3),
    quality_threshold=st.sampled_from([0, 70, 100]),
    max_attempts=st.integers(1, 3),
    best_of=st.sampled_from([1, 1, 2, 3]),
    models=st.sampled_from([(), ("model-1", "model-2")]),
    choose_by_hand=st.sampled_from([False, True, True]),
    max_agents=st.none() | st.integers(1, 4),
    max_followups=st.none() | st.integers(1, 4),
    reviewer=st.sampled_from([False, True, "model-2"]),
    require_checks=st.booleans(),
    stop_loops=st.booleans(),
    max_nudges=st.integers(0, 2),
    budget_cents=st.none() | st.sampled_from([15, 40, 1000]),
    wall_hours=st.none() | st.sampled_from([1.0, 30.0]),
    timeout_hours=st.sampled_from([0.5, 4.0]),
    require_approval=st.booleans(),
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Mode, tuple[PlanTask, ...]]:
    """Any plan that the validator accepts, up to five tasks, a dependency often listed after what needs it."""
    mode = draw(st.sampled_from(list(Mode)))
    if mode is Mode.SINGLE_AGENT or (mode is Mode.AUTO and draw(st.booleans())):
        return mode, ()
    keys = "abcde"[: draw(st.integers(1, 5))]
    tasks = [a_planned_task(key, _depends_on(draw, mode, keys[:i])) for i, key in enumerate(keys)]
    return mode, tuple(tasks if mode is Mode.PIPELINE else draw(st.permutations(tasks)))


def _depends_on(draw: st.DrawFn, mode: Mode, before: str) -> tuple[str, ...]:
    if mode is Mode.BATCH or not before:
        return ()
    if mode is Mode.PIPELINE:
        return (before[-1],)
    return tuple(draw(st.lists(st.sampled_from(before), unique=True, max_size=3)))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """An orchestration just asked for, and the seed of what will happen to it."""
    mode, tasks = draw(plans())
    request = e.OrchestrationRequested(
        at=NOW,
        by="ada",
        name="Build it",
        mode=mode,
        repository="https://github.com/acme/app",
        ref="main",
        prompt="Build it all.",
        model=draw(st.sampled_from([None, "auto-1"])),
        options=draw(options),
        tasks=tasks,
    )
    return World(request, draw(st.integers(0, 2**32)))


@given(world=worlds(), steps=st.sampled_from([0, 10, 40, 100, 200]))
@settings(max_examples=100, deadline=None)
@pytest.mark.earlier("R-04", "R-09", "R-14", "R-15", "R-17")
def test_whatever_happens_it_ends_within_its_limits_and_its_events_rebuild_it(world: World, steps: int) -> None:
    world.turmoil(steps)
    assert rebuild(ORCHESTRATION_ID, world.history) == world.snapshot
    world.settle()
    assert rebuild(ORCHESTRATION_ID, _through_the_database(world.history)) == world.snapshot


def _through_the_database(history: list[e.Event]) -> list[e.Event]:
    stored: list[tuple[str, Any, dict[str, Any]]] = [
        (type(event).__name__, event.at, codec.dump_event(event)) for event in history
    ]
    return [codec.load_event(name, at, payload) for name, at, payload in stored]
