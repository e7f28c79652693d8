"""How the fleet is looked through, and what can be done to many of its agents at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cursor_monitor.domain.errors import Invalid

STATES = ("queued", "blocked", "working", "finished", "failed", "cancelled")
"""The derived words the fleet is filtered by; Cursor's own words stay in `run_status`."""

UNSENT = ("requested", "sending")
"""The statuses of a follow-up that Cursor does not have, as far as is known."""

SHELVES = ("current", "archived", "deleted")
ORIGINS = ("orchestration", "person", "elsewhere")
SORTS = ("created", "activity", "cost", "name", "status")
GROUPS = ("repository", "status", "tag", "origin")

NARROWING = ("status", "repository", "origin", "tag", "shelf", "pinned", "account")
"""The parts of the list's address, beside the search, that narrow it."""

COLUMNS: tuple[str, ...] = (
    *("name", "repository", "branch", "pr", "tags", "cost", "activity", "created"),
    *("origin", "model", "tokens", "cursor", "seen", "id"),
)
DEFAULT_COLUMNS = COLUMNS[:8]

TAG_LIMIT = 40  # characters
TAGS_LIMIT = 20  # on one agent
BATCH_LIMIT = 1000  # agents


EVERYBODY = ""
"""The owner of pins and views where nobody signs in; else it is the id of a person."""


class BulkAction(StrEnum):
    """What can be done to many agents at once."""

    FOLLOWUP = "followup"
    STOP = "stop"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    DELETE = "delete"
    TAG = "tag"
    UNTAG = "untag"
    PIN = "pin"
    UNPIN = "unpin"


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """Which agents are meant: those that fit all of what is given."""

    status: str | None = None
    repository: str | None = None  # `owner/name` or a URL: that one; else any that contains it
    origin: str | None = None
    tag: str | None = None
    shelf: str | None = None
    pinned: bool | None = None
    q: str | None = None
    account: str | None = None  # its name or id
    pins_of: str = EVERYBODY  # whose pins are meant


@dataclass(frozen=True, slots=True)
class Order:
    """In which order the fleet is shown."""

    sort: str = "created"
    descending: bool = True

    def __str__(self) -> str:
        return f"-{self.sort}" if self.descending else self.sort


def parse_order(value: str | None) -> Order:
    """`cost` upwards, `-cost` downwards; raises Invalid for what there is no order by."""
    if not value:
        return Order()
    name = value.removeprefix("-")
    if name not in SORTS:
        raise Invalid("sort", f"must be one of {', '.join(SORTS)}, with - before it for downwards")
    return Order(name, value.startswith("-"))


def check_filter(wanted: FleetFilter) -> FleetFilter:
    """The filter without what is empty; raises Invalid for a word that is none of those there are."""
    _one_of("status", wanted.status, STATES)
    _one_of("origin", wanted.origin, ORIGINS)
    _one_of("shelf", wanted.shelf, SHELVES)
    return FleetFilter(
        status=wanted.status or None,
        repository=(wanted.repository or "").strip() or None,
        origin=wanted.origin or None,
        tag=check_tag(wanted.tag) if wanted.tag else None,
        shelf=wanted.shelf or None,
        pinned=wanted.pinned,
        q=(wanted.q or "").strip()[:200] or None,
        account=(wanted.account or "").strip() or None,
        pins_of=wanted.pins_of,
    )


def check_tag(value: str) -> str:
    """A tag as it is kept: one line, lower case, single spaces; raises Invalid for an empty or long one."""
    tag = " ".join(value.split()).lower()
    if not tag:
        raise Invalid("tag", "is empty; give a word such as urgent")
    if len(tag) > TAG_LIMIT:
        raise Invalid("tag", f"has {len(tag)} characters, at most {TAG_LIMIT} are allowed; shorten it")
    if not tag.isprintable():
        raise Invalid("tag", "holds characters that cannot be seen; write it with letters and digits")
    return tag


def _one_of(field: str, value: str | None, words: tuple[str, ...]) -> None:
    if value and value not in words:
        raise Invalid(field, f"must be one of {', '.join(words)}")
