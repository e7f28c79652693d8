"""Who said what of the agent shown, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cursor_monitor.queries.truth import TruthRow

SOURCES = {
    "poll": "Cursor, asked",
    "list": "Cursor's list",
    "webhook": "Webhook",
    "stream": "Stream",
    "code_host": "Code host",
    "person": "Person",
}


@dataclass(frozen=True, slots=True)
class TruthView:
    """Where the status is from; an empty text where nobody said anything, or nothing speaks against it."""

    source: str = ""
    seen_at: str = ""
    likely: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class WordView:
    """What one source said."""

    key: str
    source: str
    said: str
    at: datetime


def truth_of(row: TruthRow) -> TruthView:
    """The status, its source, and what is likely where that is in doubt."""
    doubt = row.disagreement if row.words else None
    return TruthView(
        source=SOURCES.get(row.status_source or "", ""),
        seen_at=row.status_observed_at.isoformat() if row.status_observed_at else "",
        likely=doubt.likely if doubt else "",
        why=doubt.why if doubt else "",
    )


def words_of(row: TruthRow) -> list[WordView]:
    """The words, the newest first."""
    return [WordView(f"{n}", SOURCES[word.source], word.said, word.at) for n, word in enumerate(row.words)]
