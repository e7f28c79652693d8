"""What the API answers about an agent's work at the code host, and about who said what of its status."""

from __future__ import annotations

from pydantic import Field

from cursor_monitor.api.schemas_base import Answer, Time


class Check(Answer):
    """One check, or commit status, of the head."""

    name: str
    status: str = Field(description="pending or completed.")
    conclusion: str | None
    url: str | None


class ChangedFile(Answer):
    """One file that differs from the base."""

    name: str
    status: str
    additions: int
    deletions: int


class CodeHost(Answer):
    """The code host's word; `unknown_because` says why there is none, or none from just now."""

    unknown_because: str | None
    repository: str | None
    branch: str | None
    head_sha: str | None
    pr_number: int | None
    pr_url: str | None
    pr_state: str | None = Field(description="open, draft, merged or closed.")
    mergeable: bool | None
    checks_summary: str = Field(description="passed, failed, pending, none or unknown.")
    checks: list[Check] = Field(description="As far as they were read; there are `checks_total`.")
    checks_total: int | None
    changed_files: list[ChangedFile] = Field(description="At most 300; there are `files_total`.")
    files_total: int | None
    notes: list[str]
    observed_at: Time | None


class Word(Answer):
    """What one source said last: poll, list, webhook, stream, code_host or person."""

    source: str
    said: str
    at: Time


class Disagreement(Answer):
    """Sources that do not agree, or a status that nobody has confirmed for long."""

    likely: str = Field(description="working, stuck, finished, failed, cancelled, deleted or unknown.")
    why: str
    words: list[Word] = Field(description="Those that stand against the status.")
