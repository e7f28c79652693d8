"""What went wrong in systems of this kind before: each fault is named by a test that would have caught it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FAULTS = {
    "R-03": "nothing advances without webhooks",
    "R-04": "status and counters are not kept",
    "R-05": "a final failure leaves it running, and it cannot be tried again",
    "R-06": "calls to endpoints that do not exist",
    "R-07": "the planner loses half of the prompt and makes everything wait for everything",
    "R-08": "an assessment that throws, and never says that the work is complete",
    "R-09": "a partial save wipes the counters, so follow-ups never end",
    "R-10": "a gate that cannot be passed, so refinements never end",
    "R-11": "the end of a single agent is matched to nothing",
    "R-12": "a pipeline stops after its second task",
    "R-13": "of the agents of a batch the last one is remembered",
    "R-14": "an agent that ends badly fails no task",
    "R-15": "a cap that does not count what runs already",
    "R-16": "unknown and cyclic dependencies wait for ever",
    "R-17": "the model and the options are lost on the way",
    "R-18": "limits that contradict the form",
    "R-19": "pausing, resuming and cancelling do nothing",
    "R-24": "daily caps that are checked first and counted later",
    "R-36": "dependent tasks do not start from the work they depend on",
    "R-37": "nothing guards a repository against many at once",
    "R-39": "cost is not tracked",
}


def _named() -> Iterator[tuple[str, str]]:
    """The faults that tests are marked with, each with the test."""
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if "mark.earlier(" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in function.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.earlier":
                        yield from ((str(ast.literal_eval(fault)), function.name) for fault in mark.args)


def test_every_fault_has_its_tests_and_no_other_is_named() -> None:
    tests: dict[str, set[str]] = defaultdict(set)
    for fault, test in _named():
        tests[fault].add(test)
    assert tests.keys() == FAULTS.keys()
    assert all(name.startswith("test_") for names in tests.values() for name in names)
