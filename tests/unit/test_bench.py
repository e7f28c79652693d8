"""The figures: when one is met, and that the document is made from those that are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import patterns
from bench.document import DOCUMENT, render, row
from bench.figures import Figure, read_results
from bench.parts import PARTS
from cursor_monitor.engine.fold import rebuild

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 10, "s", 10), True),
        (Figure("a", 10.1, "s", 10), False),
        (Figure("a", 10, "1/s", 11, lower_is_better=False), False),
        (Figure("a", 10, "ms", peers={"slow": 20, "quick": 5}, goal=2), True),
        (Figure("a", 10, "ms", peers={"slow": 20, "quick": 5}, goal=1.9), False),
        (Figure("a", 10, "1/s", peers={"slow": 2, "quick": 5}, goal=2.1, lower_is_better=False), False),
        (Figure("a", 10, "ms", 9, peers={"slow": 20}, goal=1), False),
    ],
)
def test_a_figure_is_met_within_its_limit_and_against_its_best_peer(figure: Figure, met: bool) -> None:
    assert figure.met is met
    assert figure.entry({})["met"] is met


def test_an_entry_has_what_readers_of_the_file_rely_on() -> None:
    entry = Figure("a", 1.23456, "ms", 3, {"peer": 2.0}, goal=1, details={"samples": 4}).entry({"load_before": 0.1})
    assert list(entry)[:7] == ["ours", "unit", "limit", "peers", "ratio", "goal", "met"]
    assert (entry["ours"], entry["ratio"]) == (1.235, 0.6173)


def test_what_was_never_reached_is_kept_as_json_and_said_in_words() -> None:
    figure = Figure("a", float("inf"), "s", 3, {"peer": float("inf")}, details={"slowest": float("inf"), "ends": 4})
    entry = json.loads(json.dumps(figure.entry({}), allow_nan=False))
    assert (entry["ours"], entry["ratio"], entry["met"], entry["details"]) == (
        None,
        None,
        False,
        {"slowest": None, "ends": 4},
    )
    assert row("a", entry)[1:5] == ("not reached", "3", "peer: –", "–")


def test_every_kept_figure_belongs_to_a_part_and_the_document_is_theirs() -> None:
    kept = read_results()
    assert set(kept) <= {figure for part in PARTS.values() for figure in part.figures}
    assert DOCUMENT.read_text(encoding="utf-8") == render(kept)


def test_an_unknown_part_is_refused_with_the_names_of_those_there_are() -> None:
    command = [sys.executable, "-m", "bench", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("nothing", *PARTS))


def test_what_fills_a_database_is_what_the_engine_makes() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    made = {**patterns.ends(at), "long": patterns.long(at, 3, 2)}
    for pattern in made.values():
        assert rebuild(pattern.snapshot.id, pattern.events) == pattern.snapshot
    resting = {name: pattern.snapshot.status for name, pattern in made.items() if name not in ("thorough", "long")}
    assert resting == {name: name for name in resting}
    assert {made["thorough"].snapshot.status, made["long"].snapshot.status} == {"completed"}
