"""What a launch or a follow-up sends to Cursor: checked and kept when it is asked for, made anew when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from cursor_monitor.cursor.api import AgentSpec, RepositorySpec
from cursor_monitor.domain.launch import Extras, LaunchExtras, extras_from, launch_extras_from
from cursor_monitor.domain.orchestration import PLANNER_KEY, LaunchRequest, Options
from cursor_monitor.engine import launch as rules
from cursor_monitor.engine import plan
from cursor_monitor.services import uploads
from cursor_monitor.store import cache, tables

_FIELDS = rules.LAUNCH_FIELDS | {"prompt", "repository", "ref", "name", "auto_create_pr"}


def check_launch(fields: Mapping[str, Any], models: rules.Models) -> tuple[LaunchRequest, LaunchExtras]:
    """What an agent is to be launched with; raises Invalid naming the field."""
    plan.refuse_unknown(fields, _FIELDS)
    extras = rules.parse_launch(fields, models)
    first = extras.repositories[0]
    wanted = {name: fields[name] for name in ("prompt", "name", "model") if fields.get(name) is not None}
    pull_request = fields.get("auto_create_pr")
    options = {} if pull_request is None else {"options": {"auto_create_pr": pull_request}}
    request = {**wanted, **options, "repository": first.url, "ref": first.ref}
    return plan.parse_request(request, Options(auto_create_pr=False)), extras


def check_extras(fields: Mapping[str, Any], models: rules.Models) -> Extras:
    """What a follow-up is to carry; raises Invalid naming the field."""
    plan.refuse_unknown(fields, frozenset({"mode", "model", "model_params", "images"}))
    return rules.parse_extras(fields, models)


def known_models(session: Session, account_id: str) -> rules.Models:
    """The models Cursor offers an account with their parameters, as last fetched; empty where they never were."""
    found = cache.get(session, cache.account_key("models", account_id))
    return found[0] if found else ()


def spec_of(session: Session, agent: tables.Agent) -> AgentSpec:
    """What Cursor is asked for."""
    extras = launch_extras_from(agent.launch_options)
    first = extras.repositories[0] if extras.repositories else None
    return AgentSpec(
        agent_id=agent.id,
        prompt=agent.prompt or "",
        repository=agent.repository,
        ref=agent.ref,
        model=agent.model,
        model_params=extras.model_params,
        name=agent.name,
        auto_create_pr=agent.auto_create_pr,
        mode=extras.mode or ("plan" if agent.task_key == PLANNER_KEY else "agent"),
        pr_url=first.pr_url if first else None,
        more_repositories=tuple(RepositorySpec(r.url, r.ref, r.pr_url) for r in extras.repositories[1:]),
        images=uploads.load(session, extras.images, agent.id),
        skip_reviewer_request=extras.skip_reviewer_request,
        work_on_current_branch=extras.work_on_current_branch,
    )


def run_options(session: Session, followup: tables.Followup) -> dict[str, Any]:
    """What a follow-up carries beside its text, as create_run takes it; nothing where that is all."""
    extras = extras_from(followup.options)
    found = {
        "mode": extras.mode,
        "model": extras.model,
        "model_params": extras.model_params,
        "images": uploads.load(session, extras.images, str(followup.id)),
    }
    return {name: value for name, value in found.items() if value}
