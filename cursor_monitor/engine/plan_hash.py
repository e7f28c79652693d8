"""A plan and the facts it rests on as one short text, from which it can be told later what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.orchestration import LaunchRequest, PlanTask

PARTS = ("prompt", "repository", "ref", "mode", "model", "options", "plan", "profile")
_VERSION = "1"
_LENGTH = 16


def plan_hash(request: LaunchRequest, tasks: Sequence[PlanTask] | None, facts: Mapping[str, Any]) -> str:
    """The hash of a plan; `tasks` None where a planner is still to be asked, `facts` what else it rests on."""
    values: dict[str, Any] = {
        "prompt": request.prompt,
        "repository": request.repository,
        "ref": request.ref,
        "mode": str(request.mode),
        "model": request.model,
        "options": asdict(request.options),
        "plan": None if tasks is None else [asdict(task) for task in tasks],
        "profile": facts.get("profile"),
    }
    return ".".join([_VERSION, *(_digest(values[name]) for name in PARTS)])


def check_unchanged(shown: object, present: str) -> None:
    """Raise Conflict that names what changed since that hash was given, Invalid where it is none."""
    parts = shown.split(".") if isinstance(shown, str) else []
    if len(parts) != len(PARTS) + 1 or not all(len(part) == _LENGTH for part in parts[1:]):
        raise Invalid("plan_hash", "is not one that a dry run gives; leave it out, or send what it gave")
    if shown == present:
        return
    now = present.split(".")
    changed = [name for name, a, b in zip(PARTS, parts[1:], now[1:], strict=True) if a != b] or ["version"]
    raise Conflict(
        f"The plan is not the one that was shown; changed: {', '.join(changed)}. Look at it again, then go on.",
        code="plan_changed",
        changed=changed,
        plan_hash=present,
    )


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return sha256(text.encode()).hexdigest()[:_LENGTH]
