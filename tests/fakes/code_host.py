"""The code host in memory: says what a test tells it to, and counts the looks."""

from __future__ import annotations

from collections import deque

from cursor_monitor.codehost.api import CodeHost, Head, Limits, Listing, Look, Memory, Pull, Tally
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain.code_host import ChangedFile, Check, Target

SHA = "a" * 40


def a_look(*checks: str, state: str | None = "open", sha: str = SHA) -> Look:
    """What one look brings; checks by conclusion, `pending` for one under way."""
    seen = tuple(
        Check(f"check-{n}", "pending", None, None)
        if word == "pending"
        else Check(f"check-{n}", "completed", word, f"https://ci.example.com/{n}")
        for n, word in enumerate(checks)
    )
    pull = Pull(7, "https://github.com/acme/web/pull/7", state, True, sha, 1) if state else None
    files = Listing((ChangedFile("a.py", "modified", 3, 1),), 1)
    return Look(sha, pull, Listing(seen, len(seen)), files, {"/pulls/7": {"etag": '"1"', "value": {}, "more": False}})


class FakeCodeHost(CodeHost):
    """Answers with the next of `answers`, the last one again and again."""

    def __init__(self) -> None:
        self.answers: deque[Look | CodeHostError] = deque([a_look("success")])
        self.targets: list[Target] = []
        self.memories: list[Memory] = []
        self.heads: deque[Head | CodeHostError] = deque()

    async def look(self, target: Target, memory: Memory, tally: Tally) -> Look:
        self.targets.append(target)
        self.memories.append(memory)
        tally.requests += 5
        tally.limits = Limits(5000, 4000, None)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CodeHostError):
            raise answer
        return answer

    async def list_branches(self, repository: str, tally: Tally) -> tuple[str, ...]:
        return ("main",)

    async def find_head(self, repository: str, number: int, tally: Tally) -> Head:
        tally.requests += 1
        answer = self.heads.popleft()
        if isinstance(answer, CodeHostError):
            raise answer
        return answer

    async def check_token(self) -> Limits:
        return Limits(5000, 4000, None)

    async def aclose(self) -> None:
        return None
