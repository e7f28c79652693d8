"""What programs do with a running product: the command line, and agents by MCP, over its API."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from bench.stack import Stack
from cursor_monitor import cli
from tests.e2e.conftest import Api

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`cursor-monitor` with these words: its exit code, what it said, what it complained of."""
    monkeypatch.setenv("CURSOR_MONITOR_URL", stack.url)

    def command(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def test_launch_once_watch_to_the_end_and_export(run: Run, api: Api, tmp_path: Path) -> None:
    asked = ("launch", "Told to a terminal.", "--repository", "acme/web", "--mode", "SINGLE_AGENT", "--key", "cli-once")
    code, out, _ = run(*asked, "--dry-run", "--json")
    assert (code, json.loads(out)["agents"]) == (0, 1)
    assert api.ledger("Told to a terminal.") == []
    code, out, _ = run(*asked, "--option", "max_agents=2", "--watch", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert (code, told[-1]["orchestration"]["status"]) == (0, "completed")
    made = told[-1]["orchestration"]["id"]
    assert told[-1]["orchestration"]["options"]["max_agents"] == 2
    assert [one["event"]["seq"] for one in told[:-1]] == list(range(1, len(told)))
    code, out, _ = run(*asked, "--option", "max_agents=2")
    assert (code, out.splitlines()[0]) == (0, made)
    assert len(api.ledger("Told to a terminal.")) == 1
    code, out, _ = run("watch", made)
    assert (code, "1/1 tasks" in out.splitlines()[-1]) == (0, True)

    file = tmp_path / "whole.json"
    assert run("export", made, "-o", str(file))[0] == 0
    whole = json.loads(file.read_text(encoding="utf-8"))
    assert len(whole["events"]) == len(told) - 1
    assert "Told to a terminal." in run("export", made, "--format", "md")[1]
    [agent] = api.agents_named_in(made)
    rows = list(csv.reader(io.StringIO(run("export", "agents")[1])))
    assert agent in {row[0] for row in rows}


def test_what_goes_wrong_is_one_line_and_a_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("launch", "x", "--repository", "not a repository")
    assert (code, err.startswith("cursor-monitor: repository: ")) == (2, True)
    assert run("launch", "x", "--repository", "acme/web", "--option", "many")[0] == 2
    assert run("watch", "01890000-0000-7000-8000-000000000000")[0] == 1
    assert run("export", "agents", "--format", "md")[0] == 2
    code, out, _ = run(
        "launch", "[[sim:error]] Ends badly.", "--repository", "acme/web", "--option", "max_attempts=1", "--watch"
    )
    assert (code, " error" in out.splitlines()[-1]) == (1, True)
    monkeypatch.setenv("CURSOR_MONITOR_URL", "http://127.0.0.1:9")
    code, _, err = run("watch", "x", "--timeout", "0.1")
    assert (code, "no answer from http://127.0.0.1:9" in err) == (1, True)


def test_an_agent_looks_launches_watches_and_steers(stack: Stack, api: Api, run: Run) -> None:
    # In a thread of its own: the browser of other tests has a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(asyncio.run, _talk(stack.url)).result()
    assert len(api.ledger("Asked for by an agent.")) == 1
    assert api.get(f"/orchestrations/{made}")["options"]["max_agents"] == 2


def test_a_token_that_is_refused_is_said_before_anything_is_served(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURSOR_MONITOR_TOKEN", "cm_" + "x" * 43)
    code, _, err = run("mcp")
    assert (code, "This API token is not valid" in err, "x" * 43 in err) == (1, True, False)


async def _talk(url: str) -> str:
    """What an agent does with the tools, by the protocol's own client; the id of what it launched."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "cursor_monitor.cli", "mcp"],
        env={"CURSOR_MONITOR_URL": url, "PYTHONPATH": str(cli.ROOT)},
        cwd=cli.ROOT,
    )
    async with Client(command, read_timeout_seconds=60) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            assert answer.structured_content is not None
            return answer.structured_content

        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"launch", "list_orchestrations", "status", "watch", "control", "follow_up", "search"} <= tools.keys()
        hints = tools["status"].annotations
        assert hints is not None
        assert hints.read_only_hint
        asked = {"prompt": "Asked for by an agent.", "repository": "acme/web"}
        assert (await call("dry_run", **asked, mode="SINGLE_AGENT"))["agents"] == 1
        made = await call("launch", **asked, max_agents=2, idempotency_key="mcp-once")
        assert (await call("launch", **asked, max_agents=2, idempotency_key="mcp-once"))["id"] == made["id"]
        seen, told = 0, []
        while True:
            news = await call("watch", orchestration_id=made["id"], after_seq=seen)
            told += [event["seq"] for event in news["events"]]
            seen = news["last_seq"]
            if news["has_ended"] and not news["events"]:
                break
        assert told == list(range(1, seen + 1))
        standing = await call("status", orchestration_id=made["id"])
        assert (standing["status"], standing["tasks"][0]["status"]) == ("completed", "completed")
        agent = standing["tasks"][0]["agent_id"]
        assert (await call("conversation", agent_id=agent))["items"]
        assert made["id"] in {row["id"] for row in (await call("list_orchestrations", q="Asked for by"))["items"]}
        assert agent in {row["id"] for row in (await call("list_agents"))["items"]}
        refused = await client.call_tool("control", {"orchestration_id": made["id"], "action": "pause"})
        assert refused.is_error
        assert "completed" in str(refused.content)
        wrong = await client.call_tool("launch", {**asked, "max_agents": 1000})
        assert wrong.is_error
        return made["id"]
