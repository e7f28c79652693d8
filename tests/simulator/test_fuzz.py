"""Requests made up from the vendor's description: no crash, and no answer outside it."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cursor_monitor.simulator.app import serve
from cursor_monitor.simulator.clock import ManualClock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.simulator import Simulator
from tests.simulator.harness import AGENT, contract

CLOCK = ManualClock()
SIMULATOR = Simulator(SimConfig(seed="fuzz", repositories_limit=False), CLOCK)
schema: Any = schemathesis.openapi.from_dict(contract())
schema.app = serve(SIMULATOR)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def set_the_stage(case: Any) -> None:
    """One agent with a finished run; every second case that names an agent names this one."""
    SIMULATOR.reset()
    agent = SIMULATOR.world.create({"repos": []}, "Something to find", "agent", AGENT)
    CLOCK.advance(60)
    if len(str(case.path_parameters)) % 2:
        known = {"id": AGENT, "runId": agent.runs[0].id}
        case.path_parameters = {name: known[name] for name in case.path_parameters}


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_any_request(case: Any) -> None:
    set_the_stage(case)
    case.call_and_validate(headers={"Authorization": "Bearer sa_fuzz"}, checks=CHECKS)
