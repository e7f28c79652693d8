"""The code host beside the simulator."""

from __future__ import annotations

from tests.simulator.harness import Sim

REPO = "/github/repos/acme/shop"


async def test_a_pull_request_with_its_files_and_checks(sim: Sim) -> None:
    created = await sim.create(autoCreatePR=True)
    assert (await sim.call("GET", f"{REPO}/pulls/101")).status_code == 404
    run = await sim.finished(created)
    branch = run["git"]["branches"][0]["branch"]
    pull = await sim.get(f"{REPO}/pulls/101")
    assert (pull["state"], pull["merged"], pull["mergeable_state"]) == ("open", False, "clean")
    assert pull["head"]["ref"] == branch
    files = await sim.get(f"{REPO}/pulls/101/files")
    assert len(files) == pull["changed_files"] > 0
    assert sum(item["additions"] for item in files) == pull["additions"]
    assert (await sim.get(f"{REPO}/branches/{branch}"))["commit"]["sha"] == pull["head"]["sha"]
    for ref in (branch, pull["head"]["sha"]):
        checks = await sim.get(f"{REPO}/commits/{ref}/check-runs")
        assert {check["conclusion"] for check in checks["check_runs"]} == {"success"}
    assert (await sim.get(f"{REPO}/compare/main...{branch}"))["files"] == files
    assert [item["number"] for item in await sim.get(f"{REPO}/pulls?head=acme:{branch}")] == [101]


async def test_checks_run_for_a_while_and_can_be_red(sim: Sim) -> None:
    created = await sim.create("[[sim:slow:10]] [[sim:red-ci:1]] x", autoCreatePR=True)
    sim.clock.advance(11)
    branch = (await sim.run_of(created))["git"]["branches"][0]["branch"]
    path = f"{REPO}/commits/{branch}/check-runs"
    assert {check["status"] for check in (await sim.get(path))["check_runs"]} == {"in_progress"}
    sim.clock.advance(2)
    found = {check["name"]: check["conclusion"] for check in (await sim.get(path))["check_runs"]}
    assert found == {"build": "success", "test": "failure"}
    assert (await sim.get(f"{REPO}/pulls/101"))["mergeable_state"] == "unstable"
    old = (await sim.get(f"{REPO}/branches/{branch}"))["commit"]["sha"]
    await sim.finished((await sim.follow_up(created["agent"]["id"])).json())
    assert (await sim.get(f"{REPO}/branches/{branch}"))["commit"]["sha"] != old
    assert {check["conclusion"] for check in (await sim.get(path))["check_runs"]} == {"success"}


async def test_merged_pulls_are_closed(sim: Sim) -> None:
    await sim.finished(await sim.create("x [[sim:merged]]", autoCreatePR=True))
    pull = await sim.get(f"{REPO}/pulls/101")
    assert (pull["state"], pull["merged"]) == ("closed", True)
    assert await sim.get(f"{REPO}/pulls") == []
    assert len(await sim.get(f"{REPO}/pulls?state=all")) == 1


async def test_conditional_requests(sim: Sim) -> None:
    await sim.finished(await sim.create(autoCreatePR=True))
    first = await sim.call("GET", f"{REPO}/pulls/101")
    again = await sim.call("GET", f"{REPO}/pulls/101", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await sim.follow_up((await sim.get("/v1/agents"))["items"][0]["id"])
    sim.clock.advance(30)
    changed = await sim.call("GET", f"{REPO}/pulls/101", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_branches_are_paged_with_links(sim: Sim) -> None:
    for number in range(3):
        await sim.finished(await sim.create(f"Task number {number}"))
    seen, path = [], f"{REPO}/branches?per_page=2"
    while path:
        response = await sim.call("GET", path)
        seen += [item["name"] for item in response.json()]
        path = response.links["next"]["url"] if "next" in response.links else ""
    assert seen[0] == "main"
    assert len(set(seen)) == len(seen) == 4


async def test_refusals_have_the_code_hosts_shape(sim: Sim) -> None:
    refused = await sim.call("GET", REPO, headers={"Authorization": "Bearer bad"})
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")
    for path in ("/github/repos/acme/missing", f"{REPO}/pulls/9", f"{REPO}/branches/nothing", f"{REPO}/compare/x"):
        assert (await sim.call("GET", path)).status_code == 404
    assert (await sim.get(REPO))["default_branch"] == "main"


async def test_statuses_stand_beside_checks_and_pulls_alone_tell_whether_they_can_be_merged(sim: Sim) -> None:
    await sim.create("[[sim:slow:10]] x", autoCreatePR=True)
    sim.clock.advance(10.1)
    (listed,) = await sim.get(f"{REPO}/pulls")
    alone = await sim.get(f"{REPO}/pulls/101")
    assert (alone["mergeable"], alone["mergeable_state"], "mergeable" in listed) == (None, "unknown", False)
    path = f"{REPO}/commits/{alone['head']['sha']}/status"
    assert (await sim.get(path))["state"] == "pending"
    sim.clock.advance(2)
    told = await sim.get(path)
    assert (told["state"], [status["state"] for status in told["statuses"]]) == ("success", ["success"])
    assert (await sim.get(f"{REPO}/commits/main/status"))["state"] == "pending"  # as the real one, without any status


async def test_a_token_has_its_budget_and_what_did_not_change_costs_nothing(sim: Sim) -> None:
    await sim.fault(effect="code_host_limit", requests=2, seconds=60)
    first = await sim.call("GET", REPO)
    known = {"If-None-Match": first.headers["etag"]}
    assert first.headers["etag"].startswith('W/"')
    for _ in range(3):
        again = await sim.call("GET", REPO, headers=known)
        assert (again.status_code, again.headers["x-ratelimit-remaining"]) == (304, "1")
    answers = [(await sim.call("GET", REPO)).status_code for _ in range(3)]
    assert answers == [200, 403, 403]
    assert (await sim.ledger())["requests"] == {"GET /github": 7, "304 /github": 3}
    sim.clock.advance(61)
    assert (await sim.call("GET", REPO)).status_code == 200


async def test_tokens_without_access_or_rights(sim: Sim) -> None:
    await sim.finished(await sim.create(autoCreatePR=True))
    for token in ("", "stranger"):
        assert (await sim.call("GET", REPO, headers={"Authorization": f"Bearer {token}"})).status_code == 404
    limited = {"Authorization": "Bearer nochecks"}
    sha = (await sim.get(f"{REPO}/pulls/101"))["head"]["sha"]
    assert (await sim.call("GET", f"{REPO}/commits/{sha}/check-runs", headers=limited)).status_code == 403
    assert (await sim.call("GET", f"{REPO}/commits/{sha}/status", headers=limited)).status_code == 200
