"""Databases that the programs of earlier schema versions made, with work under way, as of a moment ago."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).resolve().parents[1] / "data/schemas"
VERSIONS = sorted(int(path.stem) for path in FOLDER.glob("*.json"))
_MOMENT = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+(?=\+00|Z)")


def story(version: int) -> dict[str, Any]:
    """What that program had made: the ids by their part in the story, and Cursor's side of it."""
    return json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))


def load(url: str, version: int) -> None:
    """Apply the schema of then, and the rows with their times moved to now."""
    text = (FOLDER / f"{version}-data.sql").read_text(encoding="utf-8")
    shift = datetime.now(UTC) - datetime.fromisoformat(story(version)["at"]) - timedelta(seconds=1)
    text = _MOMENT.sub(
        lambda found: (datetime.fromisoformat(found[0]) + shift).isoformat(found[0][10], "microseconds"), text
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((FOLDER / f"{version}.sql").read_text(encoding="utf-8").encode())
        copies, _, rest = text.rpartition("\\.\n")
        for part in copies.split("\\.\n"):
            head, _, rows = part.strip("\n").partition("\n")
            with connection.cursor().copy(head.removesuffix(";").encode()) as copy:
                copy.write(rows + "\n")
        connection.execute(rest.encode())
