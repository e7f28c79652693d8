"""Asks OSV, which pip-audit asks too, for known holes in the locked Python packages: `make audit`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
DATABASE = "https://api.osv.dev/v1/querybatch"
_LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


class OutOfReachError(Exception):
    """The database cannot be asked from here."""


def locked(root: Path = ROOT) -> list[tuple[str, str]]:
    """Every package of the lock files with its version."""
    lines = [line for name in LOCKS for line in (root / name).read_text(encoding="utf-8").splitlines()]
    found = {(match[1], match[2]) for line in lines if (match := _LINE.match(line))}
    return sorted(found)


def ask(packages: list[tuple[str, str]], *, transport: httpx.BaseTransport | None = None) -> list[str]:
    """The known holes, one line each; OutOfReachError where nobody can say."""
    queries = [{"package": {"name": n, "ecosystem": "PyPI"}, "version": v} for n, v in packages]
    try:
        with httpx.Client(timeout=20, transport=transport) as http:
            answer = http.post(DATABASE, json={"queries": queries})
            answer.raise_for_status()
            results: list[dict[str, Any]] = answer.json()["results"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise OutOfReachError(f"{DATABASE} cannot be asked ({type(error).__name__})") from None
    return [
        f"{name} {version}: {hole['id']}"
        for (name, version), result in zip(packages, results, strict=True)
        for hole in result.get("vulns", ())
    ]


def main() -> int:
    """Say what is known; 1 where there is a hole, 0 also where the database is out of reach, which is said."""
    packages = locked()
    try:
        holes = ask(packages)
    except OutOfReachError as error:
        sys.stdout.write(f"{error}: nothing was looked at\n")
        return 0
    sys.stdout.write("".join(f"{hole}\n" for hole in holes) + f"{len(packages)} packages, {len(holes)} known holes\n")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
