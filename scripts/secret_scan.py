"""Looks for credentials in what is tracked, in what ever was, and in what browsers are given: `make scan`."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LARGEST = 3_000_000

# What the credentials of the services around this product, and of the usual others, look like.
SHAPES: dict[str, re.Pattern[str]] = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}"),
    "Cursor key": re.compile(r"\b(?:crsr|key)_[0-9a-f]{60,}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "Slack": re.compile(
        r"\bxox[abprs]-[A-Za-z0-9-]{20,}|hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/\w{20,}"
    ),
    "AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "Google": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "Stripe": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    "model provider": re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    "Supabase": re.compile(r"\b(?:sb_secret_[A-Za-z0-9_-]{20,}|sbp_[0-9a-f]{40})\b"),
    "package registry": re.compile(r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{60,})\b"),
    "signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}"),
    "token of this product": re.compile(r"\bcm_[A-Za-z0-9_-]{43}\b"),
    "password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|redis|mysql|amqp|https?)://[^\s:/@'\"{}$]+:([^\s/@'\"{}$]{8,})@"
    ),
}
# A value that is called a secret, and looks as if a machine had made it.
_CALLED = re.compile(
    r"(?i)(?:secret|password|passwd|token|api_?key|credential)[a-z_]{0,12}['\"]?\s*[:=]\s*['\"]?([A-Za-z0-9+/_=-]{24,})"
)
_LEAST_BITS = 4.2  # a character; words have fewer
# Made for tests and documents, each used nowhere else.
HARMLESS = re.compile(
    r"(?i)hunter2|example|your-|placeholder|changeme|x{8}|for-tests|:password@$|a-secret-of|0123456789|Aq3kX9mZ1pL7"
    r"|\b(?:cm_)?(.)\1{20,}"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks like a credential; the text itself is shown only in part."""

    where: str
    what: str
    begins: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}, begins with {self.begins!r}"


def look(text: str, where: str) -> Iterator[Finding]:
    """What in a text looks like a credential."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, found in _matches(line):
            if not HARMLESS.search(found):
                yield Finding(f"{where}:{number}", what, found[:12])


def _matches(line: str) -> Iterator[tuple[str, str]]:
    for what, shape in SHAPES.items():
        yield from ((what, match[0]) for match in shape.finditer(line))
    for match in _CALLED.finditer(line):
        if _bits(match[1]) >= _LEAST_BITS and re.search(r"\d", match[1]) and re.search(r"[A-Za-z]", match[1]):
            yield "a value called a secret", match[1]


def _bits(value: str) -> float:
    """How much each character tells: random ones tell most."""
    counts = [value.count(char) / len(value) for char in set(value)]
    return -sum(share * math.log2(share) for share in counts)


def tracked(root: Path = ROOT) -> list[Path]:
    """Every file under version control; every file of ours where there is none."""
    listed = _git("ls-files", "-z", root=root)
    if listed is None:
        return []
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def scan_files(paths: Iterable[Path], root: Path = ROOT) -> list[Finding]:
    """What looks like a credential in files; pictures and archives are left out."""
    found: list[Finding] = []
    for path in paths:
        content = path.read_bytes()[:_LARGEST]
        if b"\0" not in content[:8000]:
            found += look(content.decode("utf-8", "replace"), path.relative_to(root).as_posix())
    return found


def scan_history(root: Path = ROOT) -> list[Finding]:
    """What looks like a credential in anything that was ever added, also where it is gone by now."""
    added = _git("log", "--all", "-p", "--unified=0", "--no-color", "--no-ext-diff", "--format=commit %H", root=root)
    lines = (line[1:] for line in (added or "").splitlines() if line.startswith("+") and not line.startswith("+++"))
    return list(look("\n".join(dict.fromkeys(lines)), "history"))


def _git(*arguments: str, root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=120)
    return done.stdout.decode("utf-8", "replace")


def main() -> int:
    """Look everywhere; 1 where something was found."""
    found = [*scan_files(tracked()), *scan_history()]
    sys.stdout.write("".join(f"{finding}\n" for finding in found) + f"{len(found)} found\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
