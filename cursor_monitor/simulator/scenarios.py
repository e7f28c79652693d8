"""Markers in a prompt, such as [[sim:iterate:2]], and the behaviour they choose."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from cursor_monitor.simulator.errors import invalid

MARKER = re.compile(r"\[\[sim:([a-z-]+)(?::([^\]\n]*))?\]\]")
ALWAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """How an agent behaves. Numbers count runs from the agent's first; zero means never, ALWAYS every run."""

    error: int = 0
    error_once: bool = False
    expire: bool = False
    never: bool = False
    iterate: int = 0
    failing_tests: int = 0
    no_tests: int = 0
    no_report: int = 0
    bad_report: int = 0
    low_quality: int = 0
    red_ci: int = 0
    review_changes: int = 0
    loop: int = 0
    same_error: int = 0
    ping_pong: int = 0
    monologue: int = 0
    silent: int = 0
    cents: float | None = None
    no_branch: bool = False
    merged: bool = False
    conflict: bool = False
    confidence: tuple[float, ...] = ()
    slow: float | None = None
    plan: tuple[str, ...] = ()

    def circling(self, number: int) -> str | None:
        """How run `number` goes in circles; None where it gets on."""
        return next((word for word in CIRCLING if number < getattr(self, word.replace("-", "_"))), None)


_FIELDS = {field.name.replace("_", "-"): field.name for field in fields(Scenario)}
_NEEDS_NUMBER = {"iterate", "failing-tests", "low-quality", "no-tests", "red-ci", "review-changes"}
CIRCLING = ("loop", "same-error", "ping-pong", "monologue", "silent")
_NUMBER_OR_ALWAYS = {*CIRCLING, "error", "no-report", "bad-report"}
_SWITCHES = {"error-once", "expire", "never", "no-branch", "merged", "conflict"}
_SHARES = re.compile(r"(?:0|1|0?\.\d{1,3})(?:,(?:0|1|0?\.\d{1,3})){0,7}")


def parse_scenario(prompt: str) -> Scenario:
    """The behaviour that the prompt's markers ask for; raise a 400 ApiError for a marker nobody knows.

    `success` takes back the markers before it: the prompt of a task often quotes the whole job first.
    """
    scenario = Scenario()
    for match in MARKER.finditer(prompt):
        word, value = match.group(1), match.group(2)
        if word == "success" and value is None:
            scenario = Scenario()
        else:
            scenario = replace(scenario, **{_FIELDS.get(word, word): _value(word, value, match.group(0))})
    return scenario


def is_review(prompt: str) -> bool:
    """True where the prompt asks for a reviewer's verdict."""
    return '{"verdict": ' in prompt


def is_merge(prompt: str) -> bool:
    """True where the prompt asks for a merge whose conflicts are to be named."""
    return '"CONFLICT:"' in prompt


def markers_in(prompt: str) -> list[str]:
    """The prompt's markers in order, planner markers left out."""
    return [match.group(0) for match in MARKER.finditer(prompt) if match.group(1) != "plan"]


def without_markers(prompt: str) -> str:
    """The prompt with its markers removed."""
    return MARKER.sub("", prompt)


def _value(word: str, value: str | None, marker: str) -> object:
    if word in _SWITCHES and value is None:
        return True
    if word in _NUMBER_OR_ALWAYS and value is None:
        return ALWAYS
    if word in _NEEDS_NUMBER | _NUMBER_OR_ALWAYS and value and re.fullmatch(r"\d{1,6}", value):
        return int(value)
    if word in ("slow", "cents") and value and re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value):
        return float(value)
    if word == "confidence" and value and _SHARES.fullmatch(value):
        return tuple(float(part) for part in value.split(","))
    if word == "plan" and value:
        return tuple(name.strip() for name in value.split(","))
    raise invalid(f"Unknown simulator marker {marker}; docs/simulator.md lists them all")
