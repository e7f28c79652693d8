"""docs/benchmarks.md, made from the figures: nobody types a number into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.figures import Results
from bench.parts import PARTS, Part

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

Made by `make bench` from `bench/results.json`; edits by hand are lost. `make bench ONLY=name` measures one part again
and keeps the other figures. Figures are of the whole product in its production form; only deciding, which must never
be slow, is timed by itself. In a run of all parts, the load before a part is mostly that of the part before it. The
exit code is 1 where a figure misses its limit or its goal.
"""


def write_document(results: Results) -> None:
    """Write the document anew."""
    DOCUMENT.write_text(render(results), encoding="utf-8")


def render(results: Results) -> str:
    """The document of these figures."""
    sections = [INTRODUCTION, _table(results)]
    sections += [_section(name, part, results) for name, part in PARTS.items()]
    return "\n".join(sections)


def row(name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    """A figure as the cells of a table."""
    peers = ", ".join(f"{peer}: {_known(value)}" for peer, value in entry["peers"].items())
    return (
        name,
        "not reached" if entry["ours"] is None else f"{entry['ours']:g} {entry['unit']}",
        _known(entry["limit"]),
        peers or "–",
        _known(entry["ratio"]),
        _known(entry["goal"]),
        "yes" if entry["met"] else "NO",
    )


HEADS = ("Figure", "Ours", "Limit", "Peers", "Ratio", "Goal", "Met")


def _table(results: Results) -> str:
    lines = [HEADS, ("---",) * len(HEADS), *(row(name, entry) for name, entry in results.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _section(name: str, part: Part, results: Results) -> str:
    found = {figure: results[figure] for figure in part.figures if figure in results}
    text = f"## {part.title}\n\n{part.how}\n\nCommand: `make bench ONLY={name}`\n"
    if not found:
        return f"{text}\nNot measured yet.\n"
    details = "".join(f"- `{figure}`: {_pairs(entry['details'])}\n" for figure, entry in found.items())
    told = f"{part.told(results)}\n" if part.told else ""
    return f"{text}\n{details}\n{told}{_conditions(next(iter(found.values()))['conditions'])}"


def _conditions(conditions: dict[str, Any]) -> str:
    machine = dict(conditions["machine"])
    place = f"{machine.pop('processor')}, {machine.pop('cores')} cores, {machine.pop('memory')}"
    versions = ", ".join(f"{name} {value}" for name, value in machine.items())
    return (
        f"Measured {conditions['measured_at']}, with a load average of {conditions['load_before']} just before, "
        f"on {place}; {versions}.\n"
    )


def _pairs(details: dict[str, Any]) -> str:
    told = {name.replace("_", " "): "not reached" if value is None else value for name, value in details.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items()) or "no more to say"


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
