"""The profile of the repository as it is when something is begun: its rules are taken over, its branches kept to."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import PROFILE_RULE
from cursor_monitor.domain.orchestration import Snapshot, Task
from cursor_monitor.domain.profiles import why_no_base, with_rules
from cursor_monitor.engine import prompts
from cursor_monitor.engine.budgets import Closed
from cursor_monitor.engine.rules.common import Events


def take_over_rules(s: Snapshot, now: datetime) -> Events:
    """Hold the work to what the profile asks for by now, beyond what it asked for at the launch."""
    profile = s.room.profile
    if profile is None or s.options == (wanted := with_rules(s.options, profile)):
        return []
    return [
        e.ProfileApplied(
            at=now,
            pattern=profile.shown,
            required_checks=wanted.required_checks,
            protected_paths=wanted.protected_paths,
        )
    ]


def closed_by_profile(s: Snapshot, task: Task) -> Closed | None:
    """Why no agent may start this work from its branch; None where it may, or starts from another agent's work."""
    profile = s.room.profile
    ref = prompts.starting_ref(s, task)
    if profile is None or (ref is not None and ref in {t.branch for t in s.tasks}):
        return None
    why = why_no_base(profile, ref)
    if why is None:
        return None
    reason = why.rpartition(";")[0]
    summary = f"The branch of task {task.key} {reason}. Change the profile, then resume; or cancel and launch anew."
    return Closed(PROFILE_RULE, summary, waits=any(a.is_busy for a in s.live_attempts))
