"""The request bodies of v1: CreateAgentRequest and CreateRunRequest."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from cursor_monitor.simulator.bodies_extra import check_mcp_servers, check_subagents
from cursor_monitor.simulator.catalog import check_model
from cursor_monitor.simulator.errors import ApiError, invalid
from cursor_monitor.simulator.repos import parse_pull, parse_repo
from cursor_monitor.simulator.validation import choice, flag, listing, mapping, text, web_url, whole

Json = dict[str, Any]

_AGENT_ID = re.compile(r"bc-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FLAGS = ("workOnCurrentBranch", "autoCreatePR", "skipReviewerRequest")
_EXTRA = ("metadata", "openAsCursorGithubApp")
_CREATE_KEYS = frozenset(
    [
        *("prompt", "model", "name", "agentId", "mode", "env", "repos", "envVars", "mcpServers"),
        *("customSubagents", *_FLAGS, *_EXTRA),
    ]
)
_RUN_KEYS = frozenset(("prompt", "mcpServers", "mode", "model", "envVars", *_EXTRA))
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_MAX_IMAGE = 15 * 1024 * 1024
MODES = ("agent", "plan")


@dataclass(frozen=True, slots=True)
class CreateAgent:
    """A valid request for an agent; `spec` is what the agent keeps of it."""

    prompt: str
    mode: str
    agent_id: str | None
    spec: Json
    images: int


@dataclass(frozen=True, slots=True)
class CreateRun:
    """A valid follow-up; mode None keeps the conversation's."""

    prompt: str
    mode: str | None
    model: str | None
    images: int


def parse_create(body: object, max_repos: int) -> CreateAgent:
    """Check a CreateAgentRequest; raise ApiError."""
    fields = mapping(body, "body", _CREATE_KEYS)
    prompt = _prompt(fields)
    spec: Json = {name: flag(fields[name], name) for name in _FLAGS if name in fields}
    if "model" in fields:
        spec["model"] = check_model(fields["model"], "invalid_model")
    if "name" in fields:
        spec["name"] = text(fields["name"], "name", 100)
    spec |= _place(fields, max_repos) | _extras(fields)
    mode = choice(fields.get("mode", "agent"), "mode", MODES)
    return CreateAgent(prompt, mode, _agent_id(fields), spec, _images(fields))


def parse_run(body: object) -> CreateRun:
    """Check a CreateRunRequest; raise ApiError."""
    fields = mapping(body, "body", _RUN_KEYS)
    prompt = _prompt(fields)
    if "mcpServers" in fields:
        check_mcp_servers(fields["mcpServers"])
    model = check_model(fields["model"], "validation_error")["id"] if "model" in fields else None
    mode = choice(fields["mode"], "mode", MODES) if "mode" in fields else None
    return CreateRun(prompt, mode, model, _images(fields))


def _images(fields: Json) -> int:
    return len(fields["prompt"].get("images", []))


def _prompt(fields: Json) -> str:
    if "prompt" not in fields:
        raise invalid("prompt: Required")
    prompt = mapping(fields["prompt"], "prompt", ("text", "images"))
    if "text" not in prompt:
        raise invalid("prompt.text: Required")
    for position, image in enumerate(listing(prompt.get("images", []), "prompt.images", 5)):
        _check_image(image, f"prompt.images[{position}]")
    return text(prompt["text"], "prompt.text")


def _check_image(value: object, at: str) -> None:
    image = mapping(value, at, ("data", "url", "mimeType", "dimension"))
    if ("data" in image) == ("url" in image):
        raise invalid(f"{at}: Provide exactly one of data or url")
    if "url" in image:
        web_url(image["url"], f"{at}.url")
        if "mimeType" in image:
            raise invalid(f"{at}: mimeType must be omitted when url is provided")
    else:
        choice(image.get("mimeType"), f"{at}.mimeType", _IMAGE_TYPES)
        _check_bytes(text(image["data"], f"{at}.data"), at)
    if "dimension" in image:
        size = mapping(image["dimension"], f"{at}.dimension")
        for side in ("width", "height"):
            whole(size.get(side), f"{at}.dimension.{side}", 1)


def _check_bytes(data: str, at: str) -> None:
    if len(data) > _MAX_IMAGE * 4 // 3 + 4:
        raise invalid(f"{at}: Image exceeds 15 MB")
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{at}.data: Invalid base64") from None


def _agent_id(fields: Json) -> str | None:
    if "agentId" not in fields:
        return None
    agent_id = text(fields["agentId"], "agentId")
    if not _AGENT_ID.fullmatch(agent_id):
        raise invalid("agentId: Must be bc- followed by a UUID")
    if "envVars" in fields:
        raise invalid("agentId: Cannot be combined with envVars")
    return agent_id.lower()


def _place(fields: Json, max_repos: int) -> Json:
    repos = [_repo(item, f"repos[{n}]") for n, item in enumerate(listing(fields.get("repos", []), "repos", max_repos))]
    env = _env(fields["env"], len(repos)) if "env" in fields else None
    return {"repos": repos} | ({"env": env} if env else {})


def _env(value: object, repos: int) -> Json:
    env = mapping(value, "env", ("type", "name"))
    kind = choice(env.get("type"), "env.type", ("cloud", "pool", "machine"))
    name = text(env["name"], "env.name") if "name" in env else None
    if kind == "cloud" and name and repos:
        raise invalid("repos: Cannot be combined with a named cloud environment")
    if kind == "pool" and name and name.startswith("unknown"):
        raise invalid(f"env.name: Pool '{name}' not found")
    if (kind == "machine" or (kind == "pool" and not name)) and repos != 1:
        raise invalid(f"env: Type {kind} requires exactly one repository")
    return {"type": kind} | ({"name": name} if name else {})


def _repo(value: object, at: str) -> Json:
    fields = mapping(value, at, ("url", "startingRef", "prUrl"))
    repo = {"url": text(fields.get("url"), f"{at}.url")}
    if parse_repo(repo["url"]) is None:
        raise invalid(f"{at}.url: Invalid repository URL")
    if "startingRef" in fields:
        repo["startingRef"] = text(fields["startingRef"], f"{at}.startingRef")
    if "prUrl" in fields:
        repo["prUrl"] = web_url(fields["prUrl"], f"{at}.prUrl")
        if parse_pull(repo["prUrl"]) is None:
            raise ApiError(400, "pr_resolution_failed", f"{at}.prUrl: Not a pull request URL")
    return repo


def _extras(fields: Json) -> Json:
    spec: Json = {}
    if "envVars" in fields:
        spec["envVars"] = _env_names(fields["envVars"])
    if "mcpServers" in fields:
        check_mcp_servers(fields["mcpServers"])
    if "customSubagents" in fields:
        spec["customSubagents"] = check_subagents(fields["customSubagents"])
    return spec


def _env_names(value: object) -> list[str]:
    variables = mapping(value, "envVars")
    if len(variables) > 50:
        raise invalid("envVars: At most 50 variables")
    for name, content in variables.items():
        if not 1 <= len(name.encode("utf-8", "replace")) <= 255 or name.startswith("CURSOR_"):
            raise invalid("envVars: Names must be 1 to 255 bytes and must not start with CURSOR_")
        if not 1 <= len(text(content, f"envVars.{name}").encode("utf-8", "replace")) <= 4096:
            raise invalid(f"envVars.{name}: Values must be 1 to 4096 bytes")
    return sorted(variables)
