"""The client of the code host, against the simulator's and against answers that only a bad day brings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cursor_monitor.codehost.api import Head, Look, Memory, Tally
from cursor_monitor.codehost.client import GitHubCodeHost, build_code_host
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain.code_host import Target, summarise
from tests.simulator.harness import Sim

TOKEN = "ghp_0123456789abcdef_very-secret"
HOST = "http://sim.test/github"


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    """A simulator with a clock that stands still."""
    made = Sim()
    yield made
    await made.http.aclose()


def host_of(sim: Sim, token: str = TOKEN) -> GitHubCodeHost:
    return build_code_host(HOST, token, transport=httpx.ASGITransport(sim.app))


def scripted(
    answer: httpx.Response | Callable[[httpx.Request], httpx.Response], seen: list[httpx.Request] | None = None
) -> GitHubCodeHost:
    def play(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    return build_code_host("https://api.github.test", TOKEN, transport=httpx.MockTransport(play))


async def look(host: GitHubCodeHost, target: Target, memory: Memory | None = None) -> tuple[Look, Tally]:
    tally = Tally()
    return await host.look(target, memory or {}, tally), tally


async def refused(host: GitHubCodeHost, target: Target) -> CodeHostError:
    with pytest.raises(CodeHostError) as caught:
        await host.look(target, {}, Tally())
    return caught.value


async def pushed(sim: Sim, prompt: str = "Add a login page", **fields: object) -> str:
    run = await sim.finished(await sim.create(prompt, **fields))
    return run["git"]["branches"][0]["branch"]


def summary(found: Look) -> str:
    assert found.checks is not None
    return summarise(found.checks.items, is_whole=found.checks.is_whole)


@pytest.mark.parametrize("number", [101, None])
async def test_a_look_at_a_pull_request_by_number_or_by_branch(sim: Sim, number: int | None) -> None:
    branch = await pushed(sim, "[[sim:red-ci:1]] x", autoCreatePR=True)
    found, tally = await look(host_of(sim), Target("acme/shop", branch, number))
    assert found.pull is not None
    assert (found.pull.number, found.pull.state, found.pull.mergeable) == (101, "open", True)
    assert found.pull.url == "https://github.com/acme/shop/pull/101"
    assert found.files is not None
    assert found.files.is_whole
    assert found.files.total == found.pull.changed_files == len(found.files.items)
    assert summary(found) == "failed"
    assert found.checks is not None
    assert [check.name for check in found.checks.items if check.is_red] == ["test"]
    assert {check.name for check in found.checks.items} == {"build", "test", "ci/lint"}
    assert tally.limits.remaining == 5000 - tally.requests


async def test_what_did_not_change_is_answered_from_memory_and_costs_nothing(sim: Sim) -> None:
    branch = await pushed(sim, autoCreatePR=True)
    host, target = host_of(sim), Target("acme/shop", branch)
    first, cost = await look(host, target)
    memory = json.loads(json.dumps(first.memory))  # as the database keeps it
    again, free = await look(host, target, memory)
    assert (again, free.unchanged) == (first, cost.requests)
    assert free.limits.remaining == cost.limits.remaining
    assert (await sim.ledger())["requests"]["304 /github"] == free.requests
    await sim.follow_up((await sim.get("/v1/agents"))["items"][0]["id"])
    sim.clock.advance(30)
    changed, some = await look(host, target, memory)
    assert changed.head_sha != first.head_sha
    assert some.unchanged < some.requests


async def test_checks_go_from_pending_to_passed(sim: Sim) -> None:
    await sim.create("[[sim:slow:10]] x", autoCreatePR=True)
    sim.clock.advance(10.1)
    host = host_of(sim)
    first, _ = await look(host, Target("acme/shop", pull_number=101))
    assert summary(first) == "pending"
    assert first.pull is not None
    assert first.pull.mergeable is None
    sim.clock.advance(3)
    then, _ = await look(host, Target("acme/shop", pull_number=101), first.memory)
    assert summary(then) == "passed"


async def test_the_branch_of_a_pull_request_is_found(sim: Sim) -> None:
    branch = await pushed(sim, autoCreatePR=True)
    tally = Tally()
    assert await host_of(sim).find_head("acme/shop", 101, tally) == Head("acme/shop", branch)
    assert tally.requests == 1


async def test_a_branch_without_a_pull_request_is_compared_with_its_base(sim: Sim) -> None:
    branch = await pushed(sim)
    for base in ("main", None):
        found, _ = await look(host_of(sim), Target("acme/shop", branch, base=base))
        assert (found.pull, summary(found)) == (None, "passed")
        assert found.files is not None
        assert found.files.total > 0
    missing, _ = await look(host_of(sim), Target("acme/shop", "cursor/nothing"))
    assert (missing.head_sha, missing.checks, missing.files) == (None, None, None)
    assert missing.notes == ("The branch is not there.",)


async def test_a_token_that_may_not_read_checks_never_makes_them_pass(sim: Sim) -> None:
    branch = await pushed(sim, autoCreatePR=True)
    found, _ = await look(host_of(sim, "nochecks"), Target("acme/shop", branch))
    assert summary(found) == "unknown"
    assert "may not read checks" in found.notes[0]


async def test_long_lists_are_read_in_pages_and_only_so_far() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        path, page = request.url.path, int(request.url.params.get("page", 1))
        following = {"Link": f'<https://api.github.test{path}?page={page + 1}>; rel="next"'}
        if path.endswith("/pulls/7"):
            body = {"number": 7, "html_url": "https://x/7", "state": "open", "head": {"sha": "a" * 40}}
            return httpx.Response(200, json=body | {"draft": True, "changed_files": 900})
        if path.endswith("/check-runs"):
            run = {"name": f"c{page}", "status": "completed", "conclusion": "success"}
            return httpx.Response(200, json={"total_count": 400, "check_runs": [run] * 100}, headers=following)
        if path.endswith("/status"):
            return httpx.Response(200, json={"state": "pending", "statuses": [], "total_count": 0})
        file = {"filename": f"f{page}", "status": "added", "additions": 1, "deletions": 0}
        return httpx.Response(200, json=[file] * 100, headers=following)

    seen: list[httpx.Request] = []
    found, tally = await look(scripted(answer, seen), Target("acme/shop", pull_number=7))
    assert found.pull is not None
    assert (found.pull.state, found.pull.mergeable) == ("draft", None)
    assert found.files is not None
    assert (len(found.files.items), found.files.total, found.files.is_whole) == (300, 900, False)
    assert summary(found) == "unknown"  # three hundred green ones say nothing of the rest
    assert tally.requests == len(seen) == 8
    assert all(request.headers["Authorization"] == f"Bearer {TOKEN}" for request in seen)


@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [
        ({"effect": "status", "status": 401, "body": {"message": "Bad credentials"}}, "token", None),
        ({"effect": "status", "status": 404, "body": {"message": "Not Found"}}, "access", None),
        (
            {"effect": "status", "status": 403, "body": {"message": "You have exceeded a secondary rate limit."}},
            "limited",
            60.0,
        ),
        ({"effect": "status", "status": 403, "headers": {"Retry-After": "7"}}, "limited", 7.0),
        ({"effect": "status", "status": 429}, "limited", 60.0),
        ({"effect": "status", "status": 403, "body": {"message": "Resource not accessible"}}, "access", None),
        ({"effect": "status", "status": 503}, "unavailable", None),
        ({"effect": "html", "status": 200}, "unavailable", None),
        ({"effect": "empty", "status": 502}, "unavailable", None),
        ({"effect": "status", "status": 200, "body": '{"number": 1, "head": {"sh'}, "unavailable", None),
        ({"effect": "status", "status": 200, "body": [1, 2]}, "unavailable", None),
    ],
)
async def test_each_failure_has_its_kind(sim: Sim, fault: dict[str, Any], kind: str, wait: float | None) -> None:
    await pushed(sim, autoCreatePR=True)
    await sim.fault(path="^/github", **fault)
    error = await refused(host_of(sim), Target("acme/shop", pull_number=101))
    assert (error.kind, error.retry_after) == (kind, wait)


async def test_a_spent_budget_tells_when_it_is_whole_again(sim: Sim) -> None:
    await pushed(sim, autoCreatePR=True)
    await sim.fault(effect="code_host_limit", requests=2, seconds=1800)
    host = build_code_host(
        HOST,
        TOKEN,
        transport=httpx.ASGITransport(sim.app),
        now=lambda: datetime.fromtimestamp(sim.clock.now() / 1000, UTC),
    )
    error = await refused(host, Target("acme/shop", pull_number=101))
    assert error.kind == "limited"
    assert error.retry_after == pytest.approx(1800, abs=2)


async def test_a_cut_connection_is_a_bad_moment_and_no_more() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    error = await refused(scripted(cut), Target("acme/shop", pull_number=1))
    assert error.kind == "unavailable"


async def test_a_renamed_repository_is_followed_and_another_host_is_not() -> None:
    def renamed(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/repos/acme/old"):
            rest = request.url.path.removeprefix("/repos/acme/old")
            return httpx.Response(301, headers={"Location": f"/repositories/1{rest}"})
        return httpx.Response(200, json=[])

    seen: list[httpx.Request] = []
    with pytest.raises(CodeHostError):  # the scripted host knows no branch
        await look(scripted(renamed, seen), Target("acme/old", "b"))
    assert [request.url.path for request in seen][:2] == ["/repos/acme/old/pulls", "/repositories/1/pulls"]
    seen.clear()
    away = httpx.Response(301, headers={"Location": "https://evil.example/repos/acme/old/pulls"})
    error = await refused(scripted(away, seen), Target("acme/old", "b"))
    assert (error.kind, len(seen)) == ("access", 1)


async def test_the_token_is_never_told(caplog: pytest.LogCaptureFixture) -> None:
    echo = httpx.Response(401, json={"message": f"bad token {TOKEN}"})
    host = scripted(echo)
    with caplog.at_level("DEBUG"):
        error = await refused(host, Target("acme/shop", pull_number=1))
    told = f"{error!r} {error} {host!r} {caplog.text}"
    assert TOKEN not in told
    assert "[token]" in error.message
    with pytest.raises(ValueError, match="printable") as caught:
        build_code_host(HOST, "two words")
    assert "two words" not in str(caught.value)
