"""The code host's word as the agent page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.domain.code_host import GREEN, Check
from cursor_monitor.queries.code_host import CodeHostRow

_SHOWN_CHECKS = 50


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check."""

    key: str
    name: str
    look: str
    word: str
    url: str


@dataclass(frozen=True, slots=True)
class FileView:
    """One changed file."""

    name: str
    status: str
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class CodeHostView:
    """The panel without its lists; an empty text where something is not known."""

    why: str = ""
    is_known: bool = False
    pr_url: str | None = None
    pr_state: str = ""
    mergeable: str = ""
    head_sha: str = ""
    checks_summary: str = "unknown"
    changes: str = ""
    files_title: str = ""
    notes: tuple[str, ...] = ()
    observed_at: str = ""


def view_of(row: CodeHostRow) -> CodeHostView:
    """The panel."""
    is_known = row.observed_at is not None
    return CodeHostView(
        why=row.unknown_because or "",
        is_known=is_known,
        pr_url=row.pr_url,
        pr_state=row.pr_state or "",
        mergeable="" if row.mergeable is None else "yes" if row.mergeable else "no, it conflicts",
        head_sha=row.head_sha or "",
        checks_summary=row.checks_summary,
        changes=_changes(row),
        files_title=_files_title(row),
        notes=(*row.notes, *_untold_checks(row)),
        observed_at=row.observed_at.isoformat() if row.observed_at else "",
    )


def checks_of(row: CodeHostRow) -> list[CheckView]:
    """The checks, those that failed first."""
    ordered = sorted(row.checks, key=lambda check: (not check.is_red, check.status == "completed", check.name))
    return [
        CheckView(f"{n}", check.name, _look(check), check.conclusion or "under way", check.url or "")
        for n, check in enumerate(ordered[:_SHOWN_CHECKS])
    ]


def files_of(row: CodeHostRow) -> list[FileView]:
    """The changed files that are known by name."""
    return [FileView(file.name, file.status, file.additions, file.deletions) for file in row.changed_files]


def _look(check: Check) -> str:
    if check.is_red:
        return "failed"
    if check.status != "completed":
        return "under-way"
    return "passed" if check.conclusion in GREEN else "unknown"


def _changes(row: CodeHostRow) -> str:
    if row.files_total is None:
        return ""
    files = f"{row.files_total} file{'s' if row.files_total != 1 else ''}"
    if len(row.changed_files) < row.files_total:
        return files
    added = sum(file.additions for file in row.changed_files)
    removed = sum(file.deletions for file in row.changed_files)
    return f"{files}, +{added} \u2212{removed}"


def _files_title(row: CodeHostRow) -> str:
    shown, total = len(row.changed_files), row.files_total or 0
    return f"The first {shown} of {total} changed files" if shown < total else "Changed files"


def _untold_checks(row: CodeHostRow) -> tuple[str, ...]:
    total = row.checks_total or 0
    shown = min(len(row.checks), _SHOWN_CHECKS)
    return (f"{total - shown} more checks are not shown.",) if total > shown else ()
