"""The engine as a machine: its rules are whatever can happen next, and what failed is shrunk to the fewest of them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cursor_monitor.engine.fold import rebuild
from tests.builders import ORCHESTRATION_ID
from tests.unit.engine.test_world import worlds
from tests.unit.engine.world import World


class Engine(RuleBasedStateMachine):
    """One orchestration, step by step; each decision is checked by the world, and in the end all of it has to end."""

    world: World

    @initialize(world=worlds())
    def it_is_asked_for(self, world: World) -> None:
        self.world = world

    @rule(times=st.integers(1, 4))
    def a_worker_does_something(self, times: int) -> None:
        for _ in range(times):
            self.world.some_effect()

    @rule(times=st.integers(1, 4))
    def something_is_seen(self, times: int) -> None:
        for _ in range(times):
            self.world.some_observation()

    @rule()
    def a_person_acts(self) -> None:
        self.world.some_control()

    @rule()
    def a_person_acts_and_all_of_it_is_looked_at(self) -> None:
        self.world.some_control()
        self.world.record()

    @rule()
    def time_passes(self) -> None:
        self.world.some_time()

    @invariant()
    def its_events_rebuild_it(self) -> None:
        assert rebuild(ORCHESTRATION_ID, self.world.history) == self.world.snapshot

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()
            self.its_events_rebuild_it()


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
