"""Requests under the profile of their repository: its defaults filled in, its rules added, its branches checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from cursor_monitor.domain import profiles as rules
from cursor_monitor.domain.code_host import parse_pull
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.launch import LaunchExtras, RepositoryChoice
from cursor_monitor.domain.orchestration import LaunchRequest
from cursor_monitor.domain.profiles import Profile
from cursor_monitor.engine import plan
from cursor_monitor.services.tuning import current
from cursor_monitor.store import profiles


def parse_governed(session: Session, fields: Mapping[str, Any], models: Sequence[str]) -> LaunchRequest:
    """Check what a form or a program sent, as plan.parse_request does; what the profile does not allow is Invalid."""
    profile = _profile_named(session, fields)
    if profile is None:
        return plan.parse_request(fields, current().options, models)
    wanted = dict(fields)
    for name, default in (("model", profile.default_model), ("ref", profile.default_base)):
        if wanted.get(name) in (None, "") and default is not None:
            wanted[name] = default
    defaults = plan.parse_options(profile.default_options, current().options, models)
    request = plan.parse_request(wanted, defaults, models)
    rules.check_bases(profile, request.ref, request.tasks)
    return replace(request, options=rules.with_rules(request.options, profile))


def govern_agent(
    session: Session, request: LaunchRequest, extras: LaunchExtras, *, several: bool
) -> tuple[LaunchRequest, LaunchExtras]:
    """A single agent's launch, each of its repositories under its profile; raises Invalid naming the field."""
    chosen: list[RepositoryChoice] = []
    model = request.model
    for index, one in enumerate(extras.repositories):
        profile = profiles.find_for(session, one.url)
        if profile is not None:
            one = _governed(profile, one, f"repositories[{index}]." if several else "")
            if extras.work_on_current_branch:
                _check_push(profile, one)
            model = model or (profile.default_model if index == 0 else None)
        chosen.append(one)
    ref = chosen[0].ref if chosen else request.ref
    return replace(request, ref=ref, model=model), replace(extras, repositories=tuple(chosen))


def _check_push(profile: Profile, one: RepositoryChoice) -> None:
    """The branch of a pull request is read just before the launch, where it can be read at all."""
    if one.pr_url is None:
        rules.check_push(profile, one.ref)
    elif profile.protected_branches and parse_pull(one.pr_url, current().code_host_web or "") is None:
        raise Invalid("work_on_current_branch", rules.HEAD_UNKNOWN)


def _governed(profile: Profile, one: RepositoryChoice, prefix: str) -> RepositoryChoice:
    if one.pr_url is not None:  # it starts from what the pull request proposes
        return one
    ref = one.ref or profile.default_base
    if why := rules.why_no_base(profile, ref):
        raise Invalid(f"{prefix}ref", why)
    return replace(one, ref=ref)


def _profile_named(session: Session, fields: object) -> Profile | None:
    named = fields.get("repository") if isinstance(fields, Mapping) else None
    try:
        return profiles.find_for(session, plan.parse_repository(named)) if isinstance(named, str) else None
    except Invalid:
        return None  # what is wrong with it is said where all of it is checked
