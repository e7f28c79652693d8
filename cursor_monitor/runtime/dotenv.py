"""The file `.env`: variables that the environment does not already have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cursor_monitor.settings import SettingsError

LINE = re.compile(
    r"""(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
        (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s#'"](?:[^#]|(?<!\s)\#)*)?)
        \s*(?:\#.*)?""",
    re.VERBOSE,
)


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of the file, none where there is no file; SettingsError naming the line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: cannot be read ({error})") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, value = _parse(line.strip(), f"{path.name} line {number}")
            found[name] = value
    return found


def with_env_file(environ: Mapping[str, str], path: Path) -> dict[str, str]:
    """The environment, completed from the file; what the environment has wins, even if it is empty."""
    return {**read_env_file(path), **environ}


def _parse(line: str, where: str) -> tuple[str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        raise SettingsError(f"{where}: must be NAME=value, with quotes closed; example: PORT=3000")
    if match["double"] is not None:
        return match["name"], re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), match["double"])
    return match["name"], match["single"] if match["single"] is not None else (match["bare"] or "").strip()
