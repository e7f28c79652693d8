"""Runs over time: states, markers, cancelling, determinism."""

from __future__ import annotations

import json

import pytest

from cursor_monitor.simulator.config import SimConfig
from tests.simulator.harness import AGENT, Sim, check, error_code, report_in


async def test_a_run_goes_from_creating_over_running_to_its_end(sim: Sim) -> None:
    created = await sim.create("[[sim:slow:10]] Wait")
    assert created["run"]["status"] == "CREATING"
    sim.clock.advance(1)
    running = await sim.run_of(created)
    sim.clock.advance(8)
    later = await sim.run_of(created)
    assert running["status"] == later["status"] == "RUNNING"
    assert running["updatedAt"] == later["updatedAt"]
    assert "durationMs" not in later
    sim.clock.advance(1)
    ended = await sim.run_of(created)
    assert (ended["status"], ended["durationMs"]) == ("FINISHED", 10_000)
    assert ended["updatedAt"] > later["updatedAt"]


async def test_one_run_at_a_time(sim: Sim) -> None:
    created = await sim.create()
    busy = await sim.follow_up(created["agent"]["id"])
    check("POST", "/v1/agents/{id}/runs", busy)
    assert (busy.status_code, error_code(busy)) == (409, "agent_busy")
    await sim.finished(created)
    assert (await sim.follow_up(created["agent"]["id"])).status_code == 201


async def reports(sim: Sim, prompt: str, runs: int) -> list[dict]:
    """The reports of several runs of one agent."""
    created = await sim.create(prompt)
    found = [report_in((await sim.finished(created))["result"])]
    for _ in range(runs - 1):
        found.append(report_in((await sim.finished((await follow(sim, created)).json()))["result"]))
    return found


async def follow(sim: Sim, created: dict):
    """A follow-up that is accepted."""
    response = await sim.follow_up(created["agent"]["id"])
    assert response.status_code == 201, response.text
    return response


async def test_by_default_it_succeeds_with_a_report_of_five_keys(sim: Sim) -> None:
    (report,) = await reports(sim, "Add a login page", 1)
    assert list(report) == ["done", "remaining", "tests", "files", "confidence"]
    assert report["done"]
    assert report["files"]
    assert report["remaining"] == []
    assert report["confidence"] == 0.9
    assert report["tests"]["run"] == report["tests"]["passed"] > 0
    assert report["tests"]["failed"] == 0


async def test_iterate(sim: Sim) -> None:
    found = await reports(sim, "x [[sim:iterate:2]]", 3)
    assert [len(report["remaining"]) for report in found] == [2, 1, 0]


async def test_failing_tests(sim: Sim) -> None:
    found = await reports(sim, "x [[sim:failing-tests:1]]", 2)
    assert [report["tests"]["failed"] > 0 for report in found] == [True, False]
    assert all(r["tests"]["run"] == r["tests"]["passed"] + r["tests"]["failed"] for r in found)


async def test_no_tests_and_low_quality(sim: Sim) -> None:
    found = await reports(sim, "x [[sim:no-tests:1]] [[sim:low-quality:2]]", 3)
    assert [report["tests"]["run"] > 0 for report in found] == [False, True, True]
    assert [report["confidence"] for report in found] == [0.3, 0.3, 0.9]


async def test_agents_with_one_prompt_differ_and_a_merge_conflicts(sim: Sim) -> None:
    tries = [(await reports(sim, "x [[sim:confidence:0.4,0.9]]", 1))[0]["confidence"] for _ in range(3)]
    assert tries == [0.4, 0.9, 0.4]
    (merged,) = await reports(sim, 'Merge. Begin with "CONFLICT:" [[sim:conflict]]', 1)
    assert merged["remaining"][0].startswith("CONFLICT: ")
    assert (await reports(sim, "x [[sim:conflict]]", 1))[0]["remaining"] == []


async def test_missing_and_broken_reports(sim: Sim) -> None:
    silent = await sim.finished(await sim.create("x [[sim:no-report]]"))
    assert "```" not in silent["result"]
    created = await sim.create("x [[sim:bad-report:1]]")
    broken = await sim.finished(created)
    with pytest.raises(json.JSONDecodeError):
        report_in(broken["result"])
    assert report_in((await sim.finished((await follow(sim, created)).json()))["result"])


async def test_error_has_no_cause_and_strikes_each_time(sim: Sim) -> None:
    created = await sim.create("x [[sim:error]]")
    for made in (created, None):
        run = await sim.finished(made or (await follow(sim, created)).json())
        assert run["status"] == "ERROR"
        assert not {"result", "error", "git"} & set(run)


async def test_error_once_strikes_the_first_agent_of_a_prompt(sim: Sim) -> None:
    words = ["x  [[sim:error-once]]", "x\n[[sim:error-once]] ", "y [[sim:error-once]]"]
    statuses = [(await sim.finished(await sim.create(prompt)))["status"] for prompt in words]
    assert statuses == ["ERROR", "FINISHED", "ERROR"]


async def test_expired_agents_are_archived_and_never_recover(sim: Sim) -> None:
    created = await sim.create("x [[sim:expire]]")
    assert (await sim.finished(created))["status"] == "EXPIRED"
    agent_id = created["agent"]["id"]
    assert (await sim.get(f"/v1/agents/{agent_id}"))["status"] == "ARCHIVED"
    assert error_code(await sim.follow_up(agent_id)) == "agent_archived"
    assert (await sim.call("POST", f"/v1/agents/{agent_id}/unarchive")).status_code == 200
    assert (await sim.finished((await follow(sim, created)).json()))["status"] == "ERROR"


async def test_never_runs_until_it_is_cancelled(sim: Sim) -> None:
    created = await sim.create("x [[sim:never]]")
    sim.clock.advance(1_000_000)
    assert (await sim.run_of(created))["status"] == "RUNNING"
    path = f"/v1/agents/{created['agent']['id']}/runs/{created['run']['id']}/cancel"
    cancelled = check("POST", "/v1/agents/{id}/runs/{runId}/cancel", await sim.call("POST", path))
    assert cancelled == {"id": created["run"]["id"]}
    assert (await sim.run_of(created))["status"] == "RUNNING"
    sim.clock.advance(0.5)
    assert (await sim.run_of(created))["status"] == "CANCELLED"
    again = await sim.call("POST", path)
    check("POST", "/v1/agents/{id}/runs/{runId}/cancel", again)
    assert error_code(again) == "run_not_cancellable"
    assert (await sim.follow_up(created["agent"]["id"])).status_code == 201


async def test_a_run_about_to_end_outruns_the_cancellation(sim: Sim) -> None:
    created = await sim.create("x [[sim:slow:10]]")
    sim.clock.advance(9.8)
    path = f"/v1/agents/{created['agent']['id']}/runs/{created['run']['id']}/cancel"
    assert (await sim.call("POST", path)).status_code == 200
    assert (await sim.finished(created))["status"] == "FINISHED"


async def test_success_takes_back_the_markers_before_it(sim: Sim) -> None:
    run = await sim.finished(await sim.create("The job: x [[sim:error]]\n\nYour task: y [[sim:success]]"))
    assert run["status"] == "FINISHED"


async def test_markers_count_in_the_first_prompt_only(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    response = await sim.follow_up(created["agent"]["id"], "x [[sim:error]]")
    assert (await sim.finished(response.json()))["status"] == "FINISHED"


async def test_no_branch(sim: Sim) -> None:
    run = await sim.finished(await sim.create("x [[sim:no-branch]]", autoCreatePR=True))
    assert run["status"] == "FINISHED"
    assert "git" not in run


async def test_plan_mode_answers_a_plan_that_keeps_the_markers(sim: Sim) -> None:
    run = await sim.finished(await sim.create("Add search [[sim:iterate:1]]", mode="plan"))
    tasks = report_in(run["result"])["tasks"]
    assert [task["depends_on"] for task in tasks] == [[], ["prepare"], ["implement"]]
    assert all("[[sim:iterate:1]]" in task["prompt"] and "Add search" in task["prompt"] for task in tasks)
    assert "git" not in run


async def test_named_plans_one_after_the_other(sim: Sim) -> None:
    created = await sim.create("x [[sim:plan:cycle,diamond]] [[sim:error]]", mode="plan")
    first = report_in((await sim.finished(created))["result"])["tasks"]
    assert [task["depends_on"] for task in first] == [["b"], ["a"]]
    second = await sim.finished((await follow(sim, created)).json())
    assert len(report_in(second["result"])["tasks"]) == 4


async def test_plans_from_files_stay_in_their_folder(tmp_path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "plans/mine.md").write_text("My plan")
    sim = Sim(SimConfig(seed="test", plan_dir=tmp_path / "plans"))
    mine = await sim.finished(await sim.create("x [[sim:plan:mine.md]]", mode="plan"))
    assert mine["result"] == "My plan"
    outside = await sim.finished(await sim.create("x [[sim:plan:../secret]]", mode="plan"))
    assert "secret" not in outside["result"]


async def story(seed: str) -> list[object]:
    """All that can be seen of two agents."""
    sim = Sim(SimConfig(seed=seed))
    told: list[object] = []
    for prompt in ("Add a login page", "Fix the cart"):
        created = await sim.create(prompt, autoCreatePR=True)
        run = await sim.finished(created)
        path = f"/v1/agents/{created['agent']['id']}"
        stream = await sim.call("GET", f"{path}/runs/{run['id']}/stream")
        told += [created, run, await sim.get(f"{path}/usage"), stream.text]
        told.append(await sim.get(f"/v0/agents/{created['agent']['id']}/conversation"))
    return told


async def test_the_same_seed_tells_the_same_story() -> None:
    assert await story("one") == await story("one")
    assert await story("one") != await story("two")


async def test_branch_and_duration_follow_from_agent_and_seed_alone() -> None:
    seen = set()
    for others in (0, 3):
        sim = Sim()
        for _ in range(others):
            await sim.create("Other", repos=[])
        run = await sim.finished(await sim.create(agentId=AGENT))
        seen.add((run["durationMs"], run["git"]["branches"][0]["branch"], run["result"]))
    assert len(seen) == 1


async def test_time_scale_shortens_runs() -> None:
    sim = Sim(SimConfig(seed="test", time_scale=0.01))
    created = await sim.create()
    sim.clock.advance(0.12)
    assert 40 <= (await sim.run_of(created))["durationMs"] <= 120


async def test_five_thousand_agents_are_cheap_to_list(sim: Sim) -> None:
    for number in range(5_000):
        sim.simulator.world.create({"repos": []}, f"Task {number}", "agent")
    sim.clock.advance(30)
    path, seen = "/v1/agents?limit=100", 0
    while path:
        page = await sim.get(path)
        seen += len(page["items"])
        path = f"/v1/agents?limit=100&cursor={page['nextCursor']}" if "nextCursor" in page else ""
    assert seen == 5_000


async def test_an_agent_is_there_for_every_key_of_its_account_and_for_no_other(sim: Sim) -> None:
    created = await sim.create()
    for key, agents in (("key+second", [created["agent"]["id"]]), ("key", [created["agent"]["id"]]), ("other+key", [])):
        answer = await sim.call("GET", "/v1/agents", headers={"Authorization": f"Bearer {key}"})
        assert [agent["id"] for agent in answer.json()["items"]] == agents
