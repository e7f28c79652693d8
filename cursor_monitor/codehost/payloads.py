"""Reduces the code host's answers to what is kept of them, and reads that back; raises PayloadError for nonsense."""

from __future__ import annotations

from typing import Any

from cursor_monitor.codehost.api import Head, Pull
from cursor_monitor.domain.code_host import ChangedFile, Check
from cursor_monitor.domain.text import storable

MOST_NAME = 300
Json = dict[str, Any]


class PayloadError(ValueError):
    """An answer that is not what it should be."""


def keep_repository(data: Any) -> Json:
    """The default branch."""
    return {"default_branch": _text(_object(data).get("default_branch"))}


def keep_branch(data: Any) -> Json:
    """The head of a branch."""
    return {"sha": _text(_object(_object(data).get("commit")).get("sha"))}


def keep_branches(data: Any) -> list[str]:
    """The names of a list of branches."""
    return [_text(item.get("name")) for item in _objects(data)]


def keep_pulls(data: Any) -> list[Json]:
    """Numbers and branches of a list of pull requests."""
    return [
        {"number": _count(item.get("number")), "ref": _text(_object(item.get("head")).get("ref"))}
        for item in _objects(data)
    ]


def keep_pull(data: Any) -> Json:
    """A pull request."""
    item = _object(data)
    mergeable = item.get("mergeable")
    return {
        "number": _count(item.get("number")),
        "url": _link(item.get("html_url")),
        "state": _pull_state(item),
        "mergeable": mergeable if isinstance(mergeable, bool) else None,
        "head_sha": _text(_object(item.get("head")).get("sha")),
        "changed_files": _maybe_count(item.get("changed_files")),
    }


def head_of(data: Any) -> Head:
    """The branch of a pull request; a fork that was deleted meanwhile has none that could be pushed to."""
    head = _object(_object(data).get("head"))
    return Head(_text(_object(head.get("repo")).get("full_name")), _text(head.get("ref")))


def keep_check_runs(data: Any) -> Json:
    """Check runs: the newest of each name, as the code host gives them."""
    whole = _object(data)
    items = [
        {
            "name": _text(item.get("name")),
            "status": "completed" if item.get("status") == "completed" else "pending",
            "conclusion": _maybe_text(item.get("conclusion")),
            "url": _maybe_link(item.get("html_url")),
        }
        for item in _objects(whole.get("check_runs"))
    ]
    return {"items": items, "total": _count(whole.get("total_count"))}


def keep_statuses(data: Any) -> Json:
    """Commit statuses, as checks; the sum that comes with them says `pending` where there are none, and is ignored."""
    whole = _object(data)
    items = []
    for item in _objects(whole.get("statuses")):
        state = _text(item.get("state"))
        is_open = state == "pending"
        items.append(
            {
                "name": _text(item.get("context")),
                "status": "pending" if is_open else "completed",
                "conclusion": None if is_open else state,
                "url": _maybe_link(item.get("target_url")),
            }
        )
    return {"items": items, "total": _count(whole.get("total_count", len(items)))}


def keep_files(data: Any) -> list[Json]:
    """Changed files, without their patches."""
    return [
        {
            "name": _text(item.get("filename")),
            "status": _text(item.get("status")),
            "additions": _count(item.get("additions", 0)),
            "deletions": _count(item.get("deletions", 0)),
        }
        for item in _objects(data)
    ]


def keep_compared(data: Any) -> list[Json]:
    """The changed files of a comparison."""
    return keep_files(_object(data).get("files", []))


def pull_of(kept: Json) -> Pull:
    """The pull request that was kept."""
    return Pull(**kept)


def check_of(kept: Json) -> Check:
    """The check that was kept."""
    return Check(**kept)


def file_of(kept: Json) -> ChangedFile:
    """The file that was kept."""
    return ChangedFile(**kept)


def _pull_state(item: Json) -> str:
    if item.get("merged") or item.get("merged_at"):
        return "merged"
    if item.get("state") == "closed":
        return "closed"
    return "draft" if item.get("draft") else "open"


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise PayloadError("an object was expected")
    return value


def _objects(value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise PayloadError("a list was expected")
    return [_object(item) for item in value]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise PayloadError("a text was expected")
    return storable(value)[:MOST_NAME]


def _maybe_text(value: Any) -> str | None:
    return storable(value)[:1000] if isinstance(value, str) and value else None


def _maybe_link(value: Any) -> str | None:
    """An address of the web; whoever reports a check may have written anything there."""
    text = _maybe_text(value) or ""
    return text if text.startswith(("https://", "http://")) and len(text) < 1000 else None


def _link(value: Any) -> str:
    link = _maybe_link(value)
    if link is None:
        raise PayloadError("an address was expected")
    return link


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise PayloadError("a number was expected")
    return value


def _maybe_count(value: Any) -> int | None:
    return None if value is None else _count(value)
