"""What the code host says of an agent's work: its word, where Cursor and the agent have only theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PR_STATES = ("open", "draft", "merged", "closed")
CHECKS = ("passed", "failed", "pending", "none", "unknown")


@dataclass(frozen=True, slots=True)
class CodeHostFacts:
    """Pull request, checks and files at the head of an agent's branch; None where there is none or nobody knows."""

    pr_state: str | None  # one of PR_STATES
    head_sha: str | None
    checks: str  # one of CHECKS, of all checks of the head together
    failed_checks: tuple[str, ...]
    changed_files: int | None
    observed_at: datetime
