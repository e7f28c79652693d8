"""GitHub's REST API: branch, pull request, checks and files of one agent's work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from cursor_monitor.codehost import payloads
from cursor_monitor.codehost.api import CodeHost, Head, Limits, Listing, Look, Memory, Pull, Tally
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.codehost.payloads import PayloadError
from cursor_monitor.codehost.wire import Wire
from cursor_monitor.domain.code_host import ChangedFile, Check, Target

PAGE = 100
MOST_PAGES = 3


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_code_host(
    base_url: str,
    token: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> GitHubCodeHost:
    """A client for one token; raises ValueError, never quoting the token, where it cannot be one."""
    return GitHubCodeHost(Wire(base_url, token, transport=transport, now=now))


class GitHubCodeHost(CodeHost):
    """CodeHost over GitHub's API."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._wire!r}>"

    async def look(self, target: Target, memory: Memory, tally: Tally) -> Look:
        visit = _Visit(self._wire, target, memory, tally)
        pull = await visit.pull()
        head = pull.head_sha if pull else await visit.branch_head()
        checks = await visit.checks(head) if head else None
        files = await visit.files(pull) if head else None
        return Look(head, pull, checks, files, visit.kept, tuple(visit.notes))

    async def list_branches(self, repository: str, tally: Tally) -> tuple[str, ...]:
        found: list[str] = []
        for page in range(1, MOST_PAGES + 1):
            asked = {"per_page": PAGE, "page": page}
            answer = await self._wire.get(f"/repos/{repository}/branches", asked, learn=tally.learn)
            try:
                found += payloads.keep_branches(answer.data)
            except PayloadError as error:
                raise CodeHostError("unavailable", f"an answer that cannot be read: {error}") from None
            if not answer.has_next:
                break
        return tuple(found)

    async def find_head(self, repository: str, number: int, tally: Tally) -> Head:
        answer = await self._wire.get(f"/repos/{repository}/pulls/{number}", {}, learn=tally.learn)
        try:
            return payloads.head_of(answer.data)
        except PayloadError as error:
            raise CodeHostError("unavailable", f"an answer that cannot be read: {error}") from None

    async def check_token(self) -> Limits:
        return (await self._wire.get("/rate_limit", {})).limits

    async def aclose(self) -> None:
        await self._wire.aclose()


class _Visit:
    """The questions of one look; remembers what each was answered."""

    def __init__(self, wire: Wire, target: Target, memory: Memory, tally: Tally) -> None:
        self._wire = wire
        self._target = target
        self._memory = memory
        self._tally = tally
        self._root = f"/repos/{target.repository}"
        self.kept: Memory = {}
        self.notes: list[str] = []

    async def pull(self) -> Pull | None:
        """The pull request: the one that is known, or the newest of the branch."""
        number = self._target.pull_number
        if number is None and self._target.branch:
            owner = self._target.repository.partition("/")[0]
            asked = {"head": f"{owner}:{self._target.branch}", "state": "all", "per_page": 10}
            found, _ = await self._ask("/pulls", payloads.keep_pulls, asked)
            number = next((item["number"] for item in found if item["ref"] == self._target.branch), None)
        if number is None:
            return None
        kept, _ = await self._ask(f"/pulls/{number}", payloads.keep_pull)
        return payloads.pull_of(kept)

    async def branch_head(self) -> str | None:
        """The newest commit of the branch; None where the branch is not there (any more)."""
        try:
            kept, _ = await self._ask(f"/branches/{quote(self._target.branch or '', safe='')}", payloads.keep_branch)
        except CodeHostError as error:
            if not error.is_missing:
                raise
            self.notes.append("The branch is not there.")
            return None
        return kept["sha"]

    async def checks(self, head: str) -> Listing[Check] | None:
        """Check runs and statuses of a commit together; not whole where one of the two may not be read."""
        runs = await self._permitted("checks", f"/commits/{head}/check-runs", payloads.keep_check_runs)
        statuses = await self._permitted("commit statuses", f"/commits/{head}/status", payloads.keep_statuses)
        if runs is None and statuses is None:
            return None
        known = [part for part in (runs, statuses) if part is not None]
        items = tuple(payloads.check_of(item) for part in known for item in part.items)
        is_whole = len(known) == 2 and all(part.is_whole for part in known)
        return Listing(items, sum(part.total for part in known), is_whole)

    async def files(self, pull: Pull | None) -> Listing[ChangedFile] | None:
        """The changed files: of the pull request, or of the branch against its base."""
        if pull is None:
            return await self._compared()
        found = await self._permitted("changed files", f"/pulls/{pull.number}/files", payloads.keep_files)
        if found is None:
            return None
        total = pull.changed_files if pull.changed_files is not None else found.total
        items = tuple(payloads.file_of(item) for item in found.items)
        return Listing(items, max(total, len(items)), len(items) >= total)

    async def _compared(self) -> Listing[ChangedFile] | None:
        base = self._target.base or (await self._ask("", payloads.keep_repository))[0]["default_branch"]
        spec = f"{quote(base, safe='')}...{quote(self._target.branch or '', safe='')}"
        try:
            # The files all come with the first page of the commits, up to 300.
            kept, _ = await self._ask(f"/compare/{spec}", payloads.keep_compared, {"per_page": 1})
        except CodeHostError as error:
            if error.kind != "access":
                raise
            self.notes.append("The branch cannot be compared with its base.")
            return None
        return Listing(tuple(payloads.file_of(item) for item in kept), len(kept), len(kept) < PAGE * MOST_PAGES)

    async def _permitted(self, what: str, path: str, keep: Callable[[Any], Any]) -> Listing[Any] | None:
        """All pages of a list, up to a limit; None, and a note, where the token may not read it."""
        items: list[Any] = []
        total, more = 0, True
        try:
            for page in range(1, MOST_PAGES + 1):
                kept, more = await self._ask(path, keep, {"per_page": PAGE, "page": page})
                found = kept["items"] if isinstance(kept, dict) else kept
                items += found
                total = max(kept["total"] if isinstance(kept, dict) else 0, len(items))
                if not more:
                    break
        except CodeHostError as error:
            if error.kind != "access":
                raise
            self.notes.append(f"The token may not read {what} ({error.message}).")
            return None
        return Listing(tuple(items), total, not more)

    async def _ask(
        self, path: str, keep: Callable[[Any], Any], params: dict[str, Any] | None = None
    ) -> tuple[Any, bool]:
        """One question under the repository: what is kept of its answer, and whether more follows."""
        asked = params or {}
        address = f"{self._root}{path}"
        key = str(httpx.URL(address, params=asked))
        known = self._memory.get(key)
        answer = await self._wire.get(address, asked, known["etag"] if known else None, self._tally.learn)
        if answer.is_unchanged and known:
            self._tally.unchanged += 1
            self.kept[key] = known
            return known["value"], known["more"]
        try:
            value = keep(answer.data)
        except PayloadError as error:
            raise CodeHostError("unavailable", f"an answer that cannot be read: {error}") from None
        if answer.etag and len(answer.etag) < 200:
            self.kept[key] = {"etag": answer.etag, "value": value, "more": answer.has_next}
        return value, answer.has_next
