"""What the commands share: exit codes, lines on stdout and stderr, text of others made harmless, the database."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cursor_monitor.settings import Settings

OK, FAILED, USAGE, BLOCKED = 0, 1, 2, 3


def show(data: Any, text: str, options: argparse.Namespace) -> None:
    """Print the data where `--json` asks for it, else the text."""
    write(json.dumps(data, indent=2, default=str) if options.json else text)


def write(line: str) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fail(message: str, code: int = FAILED) -> int:
    """One line on stderr; the exit code."""
    sys.stderr.write(f"cursor-monitor: {message}\n")
    return code


def harmless(text: object, most: int = 400) -> str:
    """Text of others on one line, without what a terminal would obey."""
    line = " ".join(str(text).split())[:most]
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def table(rows: Sequence[tuple[object, ...]], heads: tuple[str, ...]) -> str:
    """Columns as wide as they need to be."""
    cells = [heads, *[tuple(harmless("-" if cell in (None, "") else cell, 80) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def read_secret(asked: str, *, twice: bool = False) -> str:
    """A secret typed unseen, or the first line of stdin where no person sits there; never an argument."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass(f"{asked}: ")
    if twice and getpass.getpass("The same again: ") != given:
        raise ValueError("the two are not the same")
    return given


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database, running the embedded one where nobody else does."""
    from cursor_monitor.store.embedded import EmbeddedPostgres, running

    if settings.database_url:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    if server.is_used():
        yield server.url
        return
    with running(server.data_dir) as url:
        yield url


@contextlib.contextmanager
def services(settings: Settings) -> Iterator[None]:
    """The services of this process on that database; Unavailable where it does not have the schema."""
    from cursor_monitor.queries.readiness import check_ready
    from cursor_monitor.services.startup import close_all, open_all

    with database(settings) as url:
        open_all(replace(settings, database_url=url))
        try:
            check_ready()
            yield
        finally:
            close_all()
