"""JSON of Cursor's API to our values and back; unknown fields and unknown words pass."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cursor_monitor.cursor import api
from cursor_monitor.cursor.fields import (
    Json,
    items,
    moment,
    object_of,
    optional_int,
    optional_moment,
    optional_number,
    optional_text,
    text,
)

T = TypeVar("T")

_SCP_ADDRESS = re.compile(r"[^@/:]+@([^/:]+):(.+)")


def render_agent(spec: api.AgentSpec) -> dict[str, Any]:
    """The body of POST /v1/agents."""
    body: dict[str, Any] = {"agentId": spec.agent_id, "mode": spec.mode}
    body["prompt"] = _render_prompt(spec.prompt, spec.images)
    if spec.name:
        body["name"] = spec.name
    if spec.model:
        body["model"] = _render_model(spec.model, spec.model_params)
    if spec.repository:
        first = api.RepositorySpec(spec.repository, spec.ref, spec.pr_url)
        body["repos"] = [_render_repository(one) for one in (first, *spec.more_repositories)]
        body["autoCreatePR"] = spec.auto_create_pr
        body |= {name: True for name, is_on in _flags(spec) if is_on}
    return body


def render_run(
    prompt: str,
    mode: str | None,
    model: str | None,
    params: tuple[tuple[str, str], ...] = (),
    images: tuple[api.Image, ...] = (),
) -> dict[str, Any]:
    """The body of POST /v1/agents/{id}/runs; `model` is not in the published description but is obeyed."""
    body: dict[str, Any] = {"prompt": _render_prompt(prompt, images)}
    if mode:
        body["mode"] = mode
    if model:
        body["model"] = _render_model(model, params)
    return body


def parse_launched(data: Any) -> api.Launched:
    """The answer of POST /v1/agents."""
    body = object_of(data, "body")
    run = body.get("run")
    return api.Launched(parse_agent(body.get("agent")), parse_run(run) if run is not None else None)


def parse_agent(data: Any) -> api.AgentView:
    """An agent, or the summary of one in a list."""
    body = object_of(data, "agent")
    created_at = moment(body, "createdAt")
    repository, ref = _first_repository(body.get("repos"))
    return api.AgentView(
        id=text(body, "id"),
        name=optional_text(body, "name"),
        status=text(body, "status"),
        url=optional_text(body, "url"),
        repository=repository,
        ref=ref,
        latest_run_id=optional_text(body, "latestRunId"),
        created_at=created_at,
        updated_at=optional_moment(body, "updatedAt") or created_at,
    )


def parse_created_run(data: Any) -> api.RunView:
    """The answer of POST /v1/agents/{id}/runs."""
    return parse_run(object_of(data, "body").get("run"))


def parse_run(data: Any) -> api.RunView:
    """A run."""
    body = object_of(data, "run")
    created_at = moment(body, "createdAt")
    return api.RunView(
        id=text(body, "id"),
        agent_id=text(body, "agentId"),
        status=text(body, "status"),
        created_at=created_at,
        updated_at=optional_moment(body, "updatedAt") or created_at,
        duration_ms=optional_int(body, "durationMs"),
        result=optional_text(body, "result"),
        branches=parse_branches(body.get("git")),
    )


def parse_branches(git: Any) -> tuple[api.BranchView, ...]:
    """The branches of a run's `git`; none where it is absent."""
    entries = git.get("branches") if isinstance(git, dict) else None
    return tuple(
        api.BranchView(
            repository=normalise_repository(entry["repoUrl"]),
            branch=optional_text(entry, "branch"),
            pr_url=optional_text(entry, "prUrl"),
        )
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and optional_text(entry, "repoUrl")
    )


def parse_agents(data: Any) -> api.Listing[api.AgentView]:
    """One page of agents."""
    return _parse_listing(data, parse_agent)


def parse_runs(data: Any) -> api.Listing[api.RunView]:
    """One page of runs."""
    return _parse_listing(data, parse_run)


def parse_usage(data: Any) -> api.UsageView:
    """An agent's usage; Cursor answers zeros until it has recorded something, which is unknown here."""
    body = object_of(data, "body")
    runs = items(body, "runs", _parse_run_usage)
    usage, cost = body.get("totalUsage"), body.get("cost")
    recorded = _is_spent(usage, cost) or any(run.total_tokens is not None for run in runs)
    return api.UsageView(**_spent(usage, cost, recorded), runs=runs)


def parse_artifacts(data: Any) -> tuple[api.Artifact, ...]:
    """The artifacts of an agent."""
    return items(object_of(data, "body"), "items", _parse_artifact)


def parse_artifact_url(data: Any) -> api.ArtifactUrl:
    """A presigned address."""
    body = object_of(data, "body")
    return api.ArtifactUrl(text(body, "url"), optional_moment(body, "expiresAt"))


def parse_account(data: Any) -> api.Account:
    """The owner of a key."""
    body = object_of(data, "body")
    return api.Account(
        key_name=text(body, "apiKeyName"),
        created_at=optional_moment(body, "createdAt"),
        user_id=optional_int(body, "userId"),
        email=optional_text(body, "userEmail"),
        first_name=optional_text(body, "userFirstName"),
        last_name=optional_text(body, "userLastName"),
    )


def parse_models(data: Any) -> tuple[api.Model, ...]:
    """The model catalogue."""
    return items(object_of(data, "body"), "items", _parse_model)


def parse_repositories(data: Any) -> tuple[str, ...]:
    """Repository URLs, each in the one spelling."""
    return items(object_of(data, "body"), "items", lambda item: normalise_repository(text(item, "url")))


def parse_conversation(data: Any) -> tuple[api.Message, ...]:
    """The messages of a v0 conversation."""
    return items(object_of(data, "body"), "messages", _parse_message)


def parse_confirmation(data: Any) -> None:
    """The answer of a call that only confirms with an id; None stands for 204 No Content."""
    if data is not None:
        text(data, "id")


def normalise_repository(url: str) -> str:
    """One spelling of a repository: https, lower-case host, no user, no `.git`, no trailing slash."""
    url = _SCP_ADDRESS.sub(r"\1/\2", url.strip())
    try:
        address = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        return url
    host = address.netloc.rpartition("@")[2].lower()
    return f"https://{host}/{address.path.strip('/').removesuffix('.git')}"


def _render_model(model: str, params: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    body: dict[str, Any] = {"id": model}
    if params:
        body["params"] = [{"id": name, "value": value} for name, value in params]
    return body


def _render_repository(one: api.RepositorySpec) -> dict[str, str]:
    wanted = {"url": one.url, "startingRef": one.ref, "prUrl": one.pr_url}
    return {name: value for name, value in wanted.items() if value}


def _render_prompt(text: str, images: tuple[api.Image, ...]) -> dict[str, Any]:
    return {"text": text, "images": [_render_image(image) for image in images]} if images else {"text": text}


def _render_image(image: api.Image) -> dict[str, Any]:
    if image.data is None:
        return {"url": image.url}
    return {"data": base64.b64encode(image.data).decode(), "mimeType": image.mime_type}


def _flags(spec: api.AgentSpec) -> tuple[tuple[str, bool], ...]:
    return (
        ("skipReviewerRequest", spec.skip_reviewer_request),
        ("workOnCurrentBranch", spec.work_on_current_branch),
    )


def _parse_listing(data: Any, item: Callable[[Any], T]) -> api.Listing[T]:
    body = object_of(data, "body")
    return api.Listing(items(body, "items", item), optional_text(body, "nextCursor"))


def _first_repository(repos: Any) -> tuple[str | None, str | None]:
    first = repos[0] if isinstance(repos, list) and repos else None
    if not isinstance(first, dict) or not optional_text(first, "url"):
        return None, None
    return normalise_repository(first["url"]), optional_text(first, "startingRef")


def _parse_run_usage(data: Any) -> api.RunUsage:
    body = object_of(data, "run usage")
    usage, cost = body.get("usage"), body.get("cost")
    recorded = bool(body.get("usageUuid")) or _is_spent(usage, cost)
    return api.RunUsage(run_id=text(body, "id"), **_spent(usage, cost, recorded))


def _is_spent(usage: Any, cost: Any) -> bool:
    numbers = [optional_number(part, name) for part in (usage, cost) if isinstance(part, dict) for name in part]
    return any(numbers)


def _spent(usage: Any, cost: Any, recorded: bool) -> dict[str, Any]:
    tokens: Json = usage if recorded and isinstance(usage, dict) else {}
    cents: Json = cost if recorded and isinstance(cost, dict) else {}
    return {
        "input_tokens": optional_int(tokens, "inputTokens"),
        "output_tokens": optional_int(tokens, "outputTokens"),
        "cache_read_tokens": optional_int(tokens, "cacheReadTokens"),
        "cache_write_tokens": optional_int(tokens, "cacheWriteTokens"),
        "total_tokens": optional_int(tokens, "totalTokens"),
        "charged_cents": optional_number(cents, "chargedCents"),
        "raw_cents": optional_number(cents, "rawCostCents"),
    }


def _parse_artifact(data: Any) -> api.Artifact:
    path = text(data, "path")
    return api.Artifact(path, optional_int(data, "sizeBytes"), optional_moment(data, "updatedAt"))


def _parse_model(data: Any) -> api.Model:
    body = object_of(data, "model")
    return api.Model(
        id=text(body, "id"),
        display_name=optional_text(body, "displayName") or text(body, "id"),
        description=optional_text(body, "description"),
        aliases=tuple(alias for alias in body.get("aliases") or () if isinstance(alias, str)),
        parameters=items(body, "parameters", _parse_parameter, required=False),
        variants=items(body, "variants", _parse_variant, required=False),
    )


def _parse_parameter(data: Any) -> api.ModelParameter:
    name = text(data, "id")
    values = items(data, "values", _parse_value, required=False)
    return api.ModelParameter(name, optional_text(data, "displayName") or name, values)


def _parse_value(data: Any) -> api.ModelValue:
    value = text(data, "value")
    return api.ModelValue(value, optional_text(data, "displayName") or value)


def _parse_variant(data: Any) -> api.ModelVariant:
    body = object_of(data, "variant")
    return api.ModelVariant(
        params=items(body, "params", lambda item: (text(item, "id"), text(item, "value")), required=False),
        display_name=optional_text(body, "displayName") or "",
        description=optional_text(body, "description"),
        is_default=body.get("isDefault") is True,
    )


def _parse_message(data: Any) -> api.Message:
    return api.Message(text(data, "id"), text(data, "type"), optional_text(data, "text") or "")
