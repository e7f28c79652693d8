"""What the code host says of an agent's work: its word, where Cursor and the agent have only theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

PR_STATES = ("open", "draft", "merged", "closed")
CHECKS = ("passed", "failed", "pending", "none", "unknown")

GREEN = frozenset({"success", "neutral", "skipped"})
RED = frozenset({"failure", "error", "timed_out", "cancelled", "action_required", "startup_failure", "stale"})

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PULL = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>\d{1,9})/?")
_OLD_SECONDS = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class CodeHostFacts:
    """Pull request, checks and files at the head of an agent's branch; None where there is none or nobody knows."""

    pr_state: str | None  # one of PR_STATES
    head_sha: str | None
    checks: str  # one of CHECKS, of all checks of the head together
    failed_checks: tuple[str, ...]
    changed_files: int | None
    observed_at: datetime
    passed_checks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # the names of those that changed, as far as they were listed


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a commit; `conclusion` is the code host's word once it is completed."""

    name: str
    status: str  # pending or completed
    conclusion: str | None
    url: str | None

    @property
    def is_red(self) -> bool:
        """True where it failed, or ended without ever having passed."""
        return self.status == "completed" and self.conclusion in RED


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file that differs from the base."""

    name: str
    status: str  # the code host's word: added, modified, removed, renamed, ...
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where an agent's work is: a repository as owner/name, and a branch or the number of a pull request in it."""

    repository: str
    branch: str | None = None
    pull_number: int | None = None
    base: str | None = None


def summarise(checks: Iterable[Check], *, is_whole: bool) -> str:
    """One of CHECKS; what was not seen whole, or says what nobody knows, is never called passed."""
    seen = list(checks)
    if any(check.is_red for check in seen):
        return "failed"
    if any(check.status != "completed" for check in seen):
        return "pending"
    if not is_whole or any(check.conclusion not in GREEN for check in seen):
        return "unknown"
    return "passed" if seen else "none"


def target_of(
    repository: str | None, branch: str | None, pr_url: str | None, base: str | None, web_host: str
) -> Target | None:
    """Where to look for an agent's work at the code host of that name; None where it cannot be there."""
    pull = parse_pull(pr_url, web_host)
    if pull is not None:
        return Target(pull[0], branch, pull[1], base)
    name = parse_repository(repository, web_host)
    return Target(name, branch, None, base) if name and branch else None


def parse_repository(address: str | None, web_host: str) -> str | None:
    """The repository as owner/name, where its address is at that host."""
    parts = _split(address)
    if parts is None or parts[0] != web_host:
        return None
    owner, _, name = parts[1].strip("/").removesuffix(".git").partition("/")
    return _joined(owner, name)


def parse_pull(address: str | None, web_host: str) -> tuple[str, int] | None:
    """Repository and number of a pull request, where its address is at that host."""
    parts = _split(address)
    found = _PULL.fullmatch(parts[1]) if parts and parts[0] == web_host else None
    name = _joined(found["owner"], found["name"]) if found else None
    return (name, int(found["number"])) if found and name else None


def seconds_to_next_look(
    *, checks: str, pr_state: str | None, is_working: bool, age: float, pace: float
) -> float | None:
    """Seconds until the next look, where nothing has changed for `age`; None once nothing more is expected.

    `pace` is the shortest wait. A run that is still working brings a look of its own when it ends.
    """
    if age > _OLD_SECONDS:
        return None
    if checks == "pending":
        return min(max(pace, age / 10), pace * 40)
    if pr_state in ("merged", "closed") and not is_working:
        return None
    if age < pace * 8 and checks in ("none", "unknown"):
        return pace  # checks appear some time after the push
    return min(max(pace * 4, age / 10), pace * 240)


def _split(address: str | None) -> tuple[str, str] | None:
    text = (address or "").strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return host, parts.path


def _joined(owner: str, name: str) -> str | None:
    parts = (owner, name)
    is_sound = all(_NAME.fullmatch(part) and part.strip(".") for part in parts)
    return f"{owner}/{name}" if is_sound else None
