"""Repository URLs: what is accepted, and the names derived from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "dev.azure.com")
_NAME = re.compile(r"^[A-Za-z0-9_.~-]+$")
_PULL = re.compile(r"^(https?://[^/]+/[^/]+/[^/]+)/(?:-/merge_requests|pull|pull-requests|pullrequest)/(\d+)/?$")


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository on a code host; `path` has two parts or more."""

    host: str
    path: str

    @property
    def bare(self) -> str:
        """The form of answers: without a scheme."""
        return f"{self.host}/{self.path}"

    @property
    def url(self) -> str:
        """The form of requests."""
        return f"https://{self.bare}"


def parse_repo(url: str) -> Repo | None:
    """The repository a URL names, with or without scheme and `.git`; None where it names none."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = parts.hostname or ""
    except ValueError:
        return None
    names = [name for name in parts.path.removesuffix("/").removesuffix(".git").split("/") if name]
    if parts.scheme not in ("http", "https") or "." not in host or len(names) < 2:
        return None
    if not all(_NAME.match(name) for name in names):
        return None
    return Repo(host, "/".join(names))


def repo_key(url: str) -> str:
    """One key for all spellings of a repository."""
    repo = parse_repo(url)
    return repo.bare.lower() if repo else url.lower()


def parse_pull(url: str) -> tuple[str, int] | None:
    """Repository key and number of a pull request URL."""
    match = _PULL.match(url)
    return (repo_key(match.group(1)), int(match.group(2))) if match else None
