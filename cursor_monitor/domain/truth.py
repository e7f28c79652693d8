"""What is likely true of an agent, where Cursor, streams, webhooks, the code host and people say different things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cursor_monitor.domain.status import RUN_TERMINAL


class Source(StrEnum):
    """Who said something about an agent."""

    POLL = "poll"  # Cursor, asked for the run
    LIST = "list"  # Cursor's list of agents
    WEBHOOK = "webhook"
    STREAM = "stream"
    CODE_HOST = "code_host"
    PERSON = "person"


class Likely(StrEnum):
    """What is likely true."""

    WORKING = "working"
    STUCK = "stuck"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Word:
    """What one source said last, in its own word, and when."""

    source: Source
    said: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Truth:
    """The likely truth; `word` is that of the status, `why` tells of words that disagree or cannot be relied on."""

    likely: Likely
    word: Word | None
    disagreeing: tuple[Word, ...] = ()
    why: str | None = None


TOLERANCE = timedelta(seconds=90)  # sources hear of the same thing at different times
QUIET = timedelta(minutes=10)  # without output, another source may know better than Cursor
STUCK = timedelta(minutes=20)
STALE = timedelta(minutes=10)

BEGINNINGS = ("launch", "follow-up")
_ENDS = {
    "FINISHED": Likely.FINISHED,
    "ERROR": Likely.FAILED,
    "EXPIRED": Likely.FAILED,
    "CANCELLED": Likely.CANCELLED,
}
_NAMES = {
    Source.POLL: "Cursor",
    Source.LIST: "Cursor's list",
    Source.WEBHOOK: "the webhook",
    Source.STREAM: "the stream",
    Source.CODE_HOST: "the code host",
    Source.PERSON: "a person",
}


def judge(words: Iterable[Word], now: datetime) -> Truth:
    """Weigh the newest word of each source; the same words in any order give the same truth."""
    heard = sorted(set(words), key=lambda word: (word.at, word.source, word.said))
    begun = max((word.at for word in heard if _is_beginning(word)), default=None)
    if begun is not None:  # what was said before the present run says nothing of it
        heard = [word for word in heard if word.at >= begun or _is_beginning(word)]
    status = _status(heard)
    if status is None:
        return _without_status(heard)
    if _is_end(status):
        return _ended(status, heard)
    return _working(status, heard, now)


def age_of(word: Word, now: datetime) -> str:
    """How long ago, in the largest whole unit."""
    seconds = max(int((now - word.at).total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _is_beginning(word: Word) -> bool:
    return word.source is Source.PERSON and word.said in BEGINNINGS


def _status(heard: list[Word]) -> Word | None:
    """The newest word of Cursor itself about the run, or that there is no agent any more."""
    own = [word for word in heard if word.source in (Source.POLL, Source.WEBHOOK) or word.said == "DELETED"]
    return max(own, key=lambda word: (word.at, word.source is Source.POLL), default=None)


def _is_end(word: Word) -> bool:
    return word.said in RUN_TERMINAL or word.said == "DELETED"


def _without_status(heard: list[Word]) -> Truth:
    output = _newest(heard, Source.STREAM, "output")
    if output is not None:
        return Truth(Likely.WORKING, output)
    return Truth(Likely.UNKNOWN, None, (), "Cursor has not said anything of it yet.")


def _ended(status: Word, heard: list[Word]) -> Truth:
    likely = Likely.DELETED if status.said == "DELETED" else _ENDS[status.said]
    output = _newest(heard, Source.STREAM, "output")
    if output is not None and output.at > status.at + TOLERANCE:
        why = f"{_says(status)}, but output came after that."
        return Truth(Likely.WORKING, status, (output,), why)
    older = tuple(word for word in heard if word is not status and _contradicts_end(word, likely))
    why = f"{_says(status)}, which is the newest word." if older else None
    return Truth(likely, status, older, why)


def _contradicts_end(word: Word, likely: Likely) -> bool:
    if word.source not in (Source.POLL, Source.WEBHOOK):
        return False
    return not _is_end(word) or (likely is not Likely.DELETED and _ENDS.get(word.said) is not likely)


def _working(status: Word, heard: list[Word], now: datetime) -> Truth:
    output = _newest(heard, Source.STREAM, "output")
    against = tuple(word for word in heard if word is not status and _says_over(word, status, now))
    quiet = None if output is None else now - output.at
    is_silent = quiet is not None and (quiet >= STUCK or (quiet >= QUIET and bool(against)))
    silent = (output,) if output is not None and is_silent else ()
    told = ", ".join([_says(status), *(_says(word, now) for word in (*silent, *against))])
    work = next((word for word in against if word.source in (Source.CODE_HOST, Source.STREAM, Source.LIST)), None)
    if work is not None and silent:
        return Truth(Likely.FINISHED, status, (*silent, *against), f"{told}.")
    if silent and quiet is not None and quiet >= STUCK:
        return Truth(Likely.STUCK, status, (*silent, *against), f"{told}.")
    if against:
        return Truth(Likely.WORKING, status, against, f"{told}; Cursor's own word counts until its output has stopped.")
    is_heard = output is not None and quiet is not None and quiet < QUIET
    if now - status.at > STALE and not is_heard:
        why = f"{_says(status)} {age_of(status, now)} ago, and nothing was heard since."
        return Truth(Likely.UNKNOWN, status, (), why)
    return Truth(Likely.WORKING, status)


def _says_over(word: Word, status: Word, now: datetime) -> bool:
    match word.source:
        case Source.POLL | Source.WEBHOOK:
            return _is_end(word)
        case Source.LIST:
            return word.said in ("IDLE", "ARCHIVED") and word.at > status.at - TOLERANCE
        case Source.STREAM:
            return word.said == "ended" and now - word.at > TOLERANCE
        case Source.CODE_HOST:
            return word.said in ("merged", "closed")
        case _:
            return word.said in ("stop", "archive", "delete") and now - word.at > TOLERANCE


def _newest(heard: list[Word], source: Source, said: str) -> Word | None:
    return next((word for word in reversed(heard) if word.source is source and word.said == said), None)


def _says(word: Word, now: datetime | None = None) -> str:
    match word.source, word.said:
        case Source.STREAM, "output":
            return f"last output {age_of(word, now)} ago" if now else "output"
        case Source.STREAM, _:
            return "its stream has ended"
        case Source.CODE_HOST, said:
            return f"its pull request is {said}"
        case Source.PERSON, said:
            return f"a person asked to {said} it" + (f" {age_of(word, now)} ago" if now else "")
        case source, said:
            name = _NAMES[source]
            return f"{name[0].upper()}{name[1:]} says {said}"
