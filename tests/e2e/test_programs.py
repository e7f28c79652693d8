"""What programs do with a running product: the command line over its API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

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
