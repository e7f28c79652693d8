"""Saved views of the fleet: a name for the part of the address after the question mark."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from cursor_monitor.domain.access import parse_name
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.fleet import COLUMNS, GROUPS, NARROWING, FleetFilter, check_filter, parse_order

VIEWS_LIMIT = 50  # of one owner
NAME_LIMIT = 60
QUERY_LIMIT = 2000  # characters, as they are typed

PARTS = ("q", *NARROWING, "group", "sort", "columns")
_SHELF_ALL = "all"
_PINNED = ("yes", "no")


def check_name(value: object) -> str:
    """The name of a view; raises Invalid for an empty or long one."""
    name = parse_name(value)
    if len(name) > NAME_LIMIT:
        raise Invalid("name", f"has {len(name)} characters, at most {NAME_LIMIT} are allowed; shorten it")
    return name


def check_query(value: object) -> str:
    """What comes after the `?` in the one spelling it is kept in; raises Invalid for what the list does not know."""
    text = str(value or "").strip().removeprefix("?")
    _check_length(text)
    try:
        given = dict(parse_qsl(text, max_num_fields=2 * len(PARTS)))
    except ValueError:
        raise Invalid("query", f"has too many parts; use each of {', '.join(PARTS)} at most once") from None
    given.pop("cursor", None)  # a page is no view: what is on it changes
    unknown = [name for name in given if name not in PARTS]
    if unknown:
        raise Invalid("query", f"has the part {unknown[0][:40]!r}, which there is not; use {', '.join(PARTS)}")
    try:
        _check_words(given)
    except Invalid as error:
        raise Invalid("query", f"cannot be used: {error.message}") from None
    kept = spell(given)
    _check_length(kept)
    return kept


def spell(given: dict[str, str]) -> str:
    """The parts in their one order; two addresses of the same view are the same text."""
    return urlencode([(name, given[name]) for name in PARTS if given.get(name)])


def _check_length(query: str) -> None:
    if len(query) > QUERY_LIMIT:
        raise Invalid("query", f"has {len(query)} characters, at most {QUERY_LIMIT} are allowed; take filters away")


def _check_words(given: dict[str, str]) -> None:
    shelf = given.get("shelf")
    check_filter(
        FleetFilter(
            status=given.get("status"),
            origin=given.get("origin"),
            tag=given.get("tag"),
            shelf=None if shelf == _SHELF_ALL else shelf,
        )
    )
    parse_order(given.get("sort"))
    if given.get("pinned", "yes") not in _PINNED:
        raise Invalid("pinned", f"must be one of {', '.join(_PINNED)}")
    if given.get("group", GROUPS[0]) not in GROUPS:
        raise Invalid("group", f"must be one of {', '.join(GROUPS)}")
    strange = [name for name in given.get("columns", "").split(",") if name and name not in COLUMNS]
    if strange:
        raise Invalid("columns", f"there is no column {strange[0][:40]!r}; use {', '.join(COLUMNS)}")
