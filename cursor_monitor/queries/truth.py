"""Who said what of an agent, and what is likely true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cursor_monitor.domain.truth import Truth, Word, judge
from cursor_monitor.store import words
from cursor_monitor.store.events import database_now


@dataclass(frozen=True, slots=True)
class WordRow:
    """What one source said last."""

    source: str
    said: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisagreementRow:
    """Sources that do not agree, or none to rely on: the likely truth, why, and the words that stand against it."""

    likely: str
    why: str
    words: tuple[WordRow, ...]


@dataclass(frozen=True, slots=True)
class TruthRow:
    """Where the status of an agent comes from, and all that was said of it, the newest first."""

    likely: str = "unknown"
    status_source: str | None = None
    status_observed_at: datetime | None = None
    words: tuple[WordRow, ...] = ()
    disagreement: DisagreementRow | None = None


def truth_rows(session: Session, ids: Sequence[str]) -> dict[str, TruthRow]:
    """The same for each of these agents."""
    now = database_now(session)
    return {agent_id: _row(heard, judge(heard, now)) for agent_id, heard in words.select_words(session, ids).items()}


def _row(heard: list[Word], truth: Truth) -> TruthRow:
    ordered = sorted(heard, key=lambda word: word.at, reverse=True)
    disagreement = None
    if truth.why is not None:
        disagreement = DisagreementRow(truth.likely, truth.why, tuple(_word(word) for word in truth.disagreeing))
    return TruthRow(
        likely=truth.likely,
        status_source=truth.word.source if truth.word else None,
        status_observed_at=truth.word.at if truth.word else None,
        words=tuple(_word(word) for word in ordered),
        disagreement=disagreement,
    )


def _word(word: Word) -> WordRow:
    return WordRow(word.source, word.said, word.at)
