"""What runs say and do that get nowhere."""

from __future__ import annotations

from cursor_monitor.simulator.step import Step

_ROUNDS = 26
_THOUGHTS = ("Let me think about this once more.", "I should look at it from the beginning.", "Now, where was I?")
_FIRST, _LAST = 0.10, 0.94


def circles(word: str) -> list[Step]:
    """The steps of a run that goes in circles that way."""
    makers = {"loop": _loop, "same-error": _same_error, "ping-pong": _ping_pong, "monologue": _monologue}
    maker = makers.get(word)
    return maker() if maker else []


def _times(count: int) -> list[float]:
    return [_FIRST + (_LAST - _FIRST) * number / count for number in range(count)]


def _loop() -> list[Step]:
    return [_command(at, "ls build/", 0, "ls: nothing here\n") for at in _times(_ROUNDS)]


def _same_error() -> list[Step]:
    steps: list[Step] = []
    for number, at in enumerate(_times(2 * _ROUNDS)):
        if number % 2:
            failure = f"FAILED tests/test_app.py::test_it - AssertionError in 0.{number:02d}s\n"
            steps.append(_command(at, "pytest -q", 1, failure))
        else:
            steps.append(_edit(at, "src/app.py", number + 1))
    return steps


def _ping_pong() -> list[Step]:
    return [_edit(at, "src/app.py", 1 + number % 2) for number, at in enumerate(_times(_ROUNDS))]


def _monologue() -> list[Step]:
    kinds = ("thinking", "assistant")
    return [Step(at, kinds[n % 2], f"{_THOUGHTS[n % 3]} ") for n, at in enumerate(_times(_ROUNDS + 2))]


def _command(at: float, command: str, code: int, output: str) -> Step:
    found = {"command": command, "exitCode": code, "stdout": output, "stderr": ""}
    return Step(at, "tool", tool="run_terminal_cmd", args={"command": command}, result={"success": found})


def _edit(at: float, path: str, lines: int) -> Step:
    args = {"path": path, "lines": lines}
    return Step(at, "tool", tool="edit_file", args=args, result={"success": {"linesAdded": lines}})
