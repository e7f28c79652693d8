"""Reading reports: strictly, and as data from a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cursor_monitor.domain.orchestration import Report, TestCounts
from cursor_monitor.engine import prompts
from cursor_monitor.engine.report import parse_report
from tests.builders import a_message

GOOD: dict[str, Any] = {
    "done": ["a", "b"],
    "remaining": [],
    "tests": {"run": 7, "passed": 6, "failed": 1},
    "files": ["src/a.py"],
    "confidence": 0.5,
}


def read(**changes: Any) -> Report | None:
    """The report that GOOD with these changes gives; a field of None is null."""
    return parse_report(a_message(json.dumps({**GOOD, **changes})))


def test_a_report_as_the_contract_asks_for() -> None:
    assert read() == Report(("a", "b"), (), TestCounts(run=7, passed=6, failed=1), ("src/a.py",), 0.5)


def test_the_example_of_the_contract_is_a_report() -> None:
    assert parse_report(prompts.CONTRACT) == Report(
        ("what is finished",), ("what is not",), TestCounts(0, 0, 0), ("paths you changed",), 0.0
    )


def test_what_may_be_left_out() -> None:
    assert parse_report(a_message('{"done": [], "remaining": []}')) == Report()
    assert read(tests=None, confidence=None) == Report(("a", "b"), files=("src/a.py",))


def test_only_the_last_block_counts() -> None:
    first, last = json.dumps({**GOOD, "done": ["draft"]}), json.dumps({**GOOD, "done": ["final"]})
    report = parse_report(a_message(first) + a_message(last))
    assert report is not None
    assert report.done == ("final",)
    assert parse_report(a_message(first) + a_message("{broken")) is None
    assert parse_report(a_message(first) + "```json\n" + last) is None, "the last one was cut off"


@pytest.mark.parametrize(
    "fence", ["```json \n{}\n```", "```json\r\n{}\r\n```\r\n", "text\n  ```json\n{}\n  ```", "```json\n\n{}\n\n```"]
)
def test_fences_as_agents_write_them(fence: str) -> None:
    assert parse_report(fence.replace("{}", json.dumps(GOOD))) is not None


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        "All done.",
        json.dumps(GOOD),
        "```\n" + json.dumps(GOOD) + "\n```",
        "```json\n```",
        "```json\n\n```",
        "```json " + json.dumps(GOOD) + "\n```",
        a_message(""),
        a_message("[]"),
        a_message("null"),
        a_message('"done"'),
        a_message("{'done': []}"),
        a_message('{"done": [], "remaining": [],}'),
        a_message("[" * 90_000),
        a_message('{"done":' * 10_000 + "1" + "}" * 10_000),
        a_message('{"done": [], "remaining": [], "confidence": NaN}'),
        a_message('{"done": [], "remaining": [], "confidence": Infinity}'),
        a_message('{"done": [], "remaining": [], "confidence": 1e999}'),
        a_message('{"done": [], "remaining": [], "tests": {"run": ' + "9" * 5_000 + "}}"),
        a_message(json.dumps({**GOOD, "done": ["x" * 100_000]})),
    ],
)
def test_missing_broken_huge_or_nested_is_no_report(message: str | None) -> None:
    assert parse_report(message) is None


@pytest.mark.parametrize(
    "change",
    [
        {"done": None},
        {"done": "all"},
        {"done": [1]},
        {"done": [["a"]]},
        {"remaining": None},
        {"remaining": {}},
        {"files": None},
        {"files": "a.py"},
        {"tests": []},
        {"tests": True},
        {"tests": "7 passed"},
        {"tests": {"run": True, "passed": 0, "failed": 0}},
        {"tests": {"run": "7", "passed": 7, "failed": 0}},
        {"tests": {"run": 7.0, "passed": 7, "failed": 0}},
        {"tests": {"run": 1, "passed": -1, "failed": 0}},
        {"tests": {"run": 10_000_001, "passed": 0, "failed": 0}},
        {"tests": {"run": None, "passed": 0, "failed": 0}},
        {"tests": {"run": 3, "passed": 3, "failed": 1}},
        {"tests": {"passed": 9}},
        {"confidence": True},
        {"confidence": "high"},
        {"confidence": 1.01},
        {"confidence": -0.01},
        {"confidence": [0.5]},
    ],
)
def test_a_wrong_type_or_a_contradiction_is_no_report(change: dict[str, Any]) -> None:
    assert read(**change) is None


def test_hostile_text_stays_data_and_small() -> None:
    hostile = ["$(rm -rf /)", "<script>", "'; DROP TABLE x", "a\x00b", "\ud800", "x" * 5_000]
    report = read(done=hostile, remaining=["r"] * 500)
    assert report is not None
    assert report.done[:4] == (*hostile[:3], "ab")
    assert report.done[4] == "?"
    assert len(report.done[5]) == 2_000
    assert len(report.remaining) == 200


def test_unknown_fields_are_ignored() -> None:
    assert read(verdict="COMPLETE", quality_score=100) == read()


FRAGMENTS = [
    "```json\n",
    "\n```",
    "```",
    "json",
    "{",
    "}",
    "[",
    '"done": []',
    '"remaining": []',
    ",",
    ":",
    "\n",
    "\r",
    " ",
]
messages = st.text(st.characters(), max_size=60) | st.lists(
    st.sampled_from([*FRAGMENTS, json.dumps(GOOD), "NaN", "\x00", "\ud800", '"tests": {"run": 1}'])
    | st.text(st.characters(), max_size=3),
    max_size=14,
).map("".join)


@given(message=messages)
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_report_or_none(message: str) -> None:
    report = parse_report(message)
    assert report is None or isinstance(report, Report)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", ["```json\nx", "```json\n", "\n ", "```json ", "```json\n[", "\n``"])
def test_a_long_hostile_message_does_not_hold_up_the_worker(part: str) -> None:
    """At 100,000 openings a quadratic pattern takes minutes; the mark above is generous to a busy machine."""
    assert parse_report("```json\n" + part * 100_000) is None
