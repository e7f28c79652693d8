"""Repository profiles: kept to when work is asked for, and when each agent is launched."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as agent_queries
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import agents, orchestrations, profiles
from cursor_monitor.services.dry_run import dry_run
from cursor_monitor.store import profiles as store
from cursor_monitor.store.database import reading
from tests.fakes.cursor import GOOD, FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump

LAUNCH: dict[str, Any] = {"prompt": "Add a changelog.", "repository": "acme/web"}
TOUCHES = GOOD.replace('"a.py"', '"infra/main.tf"')


def profile(pattern: str = "acme/*", **rules: Any) -> str:
    return profiles.create({"pattern": pattern, **rules}, by="ada")


def pattern_for(repository: str) -> str | None:
    with reading() as session:
        found = store.find_for(session, repository)
        return found.pattern if found else None


def test_the_closest_pattern_counts(database: str) -> None:
    for pattern in ("*", "acme/*", "acme/web", "acme/w*", "acme/a_c"):
        profile(pattern)
    assert pattern_for("https://github.com/Acme/Web") == "github.com/acme/web"
    assert pattern_for("https://github.com/acme/wiki") == "github.com/acme/w*"
    assert pattern_for("https://github.com/acme/api") == "github.com/acme/*"
    assert pattern_for("https://github.com/acme/abc") == "github.com/acme/*", "_ stands for itself"
    assert pattern_for("https://gitlab.com/acme/web") == "*"


def test_a_request_gets_defaults_and_rules_and_is_refused_where_it_breaks_one(database: str) -> None:
    options = {"max_iterations": 5, "require_approval": True}
    rules = {"required_checks": ["ci"], "default_options": options, "default_model": "m"}
    profile(base_branches=["main"], protected_paths=["infra"], **rules)
    made = orchestrations.launch({**LAUNCH, "options": {"max_iterations": 7, "protected_paths": ["docs"]}}, by="ada")
    found = queries.get_orchestration(made)
    assert (found.ref, found.model) == ("main", "m")
    kept = ask_one(database, "SELECT options FROM orchestrations")
    assert (kept["max_iterations"], kept["require_approval"]) == (7, True)
    assert (kept["protected_paths"], kept["required_checks"]) == (["docs", "infra"], ["ci"])
    with pytest.raises(Invalid, match=r"profile acme/\* lets agents start from main only") as caught:
        orchestrations.launch({**LAUNCH, "ref": "dev"}, by="ada")
    assert caught.value.field == "ref"


def test_an_agent_by_hand_is_held_to_it_too(database: str) -> None:
    profile(base_branches=["main", "release/*"], protected_branches=["main"], default_model="m")
    made = agents.launch(LAUNCH, by="ada")
    found = agent_queries.get_agent(made).agent
    assert (found.ref, found.model) == ("main", "m")
    for where in (LAUNCH, {"prompt": "x", "pr_url": "https://github.com/acme/web/pull/5"}):
        with pytest.raises(Invalid) as caught:
            agents.launch({**where, "work_on_current_branch": True}, by="ada")
        assert caught.value.field == "work_on_current_branch"
    assert "GITHUB_TOKEN" in caught.value.message
    with pytest.raises(Invalid) as caught:
        agents.launch(
            {"prompt": "x", "repositories": [{"repository": "a/b"}, {"repository": "acme/x", "ref": "d"}]}, by="a"
        )
    assert caught.value.field == "repositories[1].ref"


async def test_so_many_at_work_in_each_repository(pump: Pump, cursor: FakeCursor) -> None:
    profile(max_parallel_agents=1)
    cursor.answer = None
    tasks = [{"key": f"t{n}", "prompt": f"Do {n}."} for n in range(2)]
    wanted = {**LAUNCH, "mode": "BATCH", "tasks": tasks}
    assert [limit.name for limit in dry_run(wanted).limits] == ["repository_agents"]
    made = orchestrations.launch(wanted, by="ada")
    other = orchestrations.launch({**LAUNCH, "repository": "acme/api"}, by="ada")
    await pump.run_due()
    assert {task.waits_for for task in queries.list_tasks(made)} == {None, "repository limit 1 of 1"}
    assert queries.list_tasks(other)[0].status == "running"


async def test_a_profile_that_comes_later_holds_for_the_next_agent(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    cursor.answers.extend([TOUCHES, GOOD])
    made = orchestrations.launch({**LAUNCH, "ref": "dev"}, by="ada")
    known = profile(base_branches=["main"], protected_paths=["infra"])
    await pump.run_due()
    found = queries.get_orchestration(made)
    assert (found.status, found.error_code, len(cursor.agents)) == ("blocked", "profile_rule", 0)
    assert "'dev' is not allowed: the profile acme/* lets agents start from main only." in (found.error_summary or "")
    orchestrations.resume(made, by="ada")
    await pump.run_due(JobKind.ADVANCE)
    assert queries.get_orchestration(made).status == "blocked", "resumed too early"
    profiles.replace(known, {"pattern": "acme/*", "protected_paths": ["infra"]}, by="ada")
    orchestrations.resume(made, by="ada")
    await pump.run_until(lambda: queries.get_orchestration(made).status == "completed")
    asks = ask(database, "SELECT payload->>'asks' FROM orchestration_events WHERE type = 'FollowUpRequested'")
    assert asks == [("paths",)], "the path is protected although it was not at the launch"


def test_the_hash_of_a_plan_holds_the_profile(database: str) -> None:
    known = profile(default_options={"require_approval": True})
    shown = dry_run(LAUNCH).plan_hash
    profiles.replace(
        known, {"pattern": "acme/*", "max_parallel_agents": 2, "default_options": {"require_approval": True}}, by="b"
    )
    with pytest.raises(Conflict, match="changed: profile") as caught:
        orchestrations.launch({**LAUNCH, "plan_hash": shown}, by="ada")
    assert caught.value.details["changed"] == ["profile"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pattern": "acme/*"}, "pattern"),
        ({"pattern": "x"}, "pattern"),
        ({"pattern": "a/b", "base_branches": "main"}, "base_branches"),
        ({"pattern": "a/b", "protected_paths": ["x" * 300]}, "protected_paths"),
        ({"pattern": "a/b", "max_parallel_agents": 0}, "max_parallel_agents"),
        ({"pattern": "a/b", "default_options": {"max_iterations": 1000}}, "default_options.max_iterations"),
        ({"pattern": "a/b", "default_options": {"protected_paths": ["x"]}}, "default_options.protected_paths"),
        ({"pattern": "a/b", "owner": "me"}, "owner"),
    ],
)
def test_rules_that_cannot_be_are_refused(database: str, fields: dict[str, Any], field: str) -> None:
    profile()
    with pytest.raises(Invalid) as caught:
        profiles.create(fields, by="ada")
    assert caught.value.field == field
