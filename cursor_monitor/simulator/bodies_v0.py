"""The request bodies of v0: a launch and a follow-up."""

from __future__ import annotations

import re
from typing import Any

from cursor_monitor.simulator.catalog import find_model
from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.repos import parse_pull, parse_repo
from cursor_monitor.simulator.validation import flag, listing, mapping, text, web_url

Json = dict[str, Any]
_BRANCH = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")
_TARGET = {
    "autoCreatePr": "autoCreatePR",
    "openAsCursorGithubApp": "openAsCursorGithubApp",
    "skipReviewerRequest": "skipReviewerRequest",
}


def parse_launch(body: object) -> tuple[str, Json]:
    """Prompt, and what the agent keeps, in the words of v1."""
    fields = mapping(body, "body", ("prompt", "model", "source", "target", "webhook"))
    prompt = _prompt(fields)
    if "model" in fields and find_model(text(fields["model"], "model")) is None:
        raise invalid(f"Model '{fields['model']}' is not available or invalid")
    source = _source(fields.get("source"))
    spec: Json = {"repos": [source]} | _target(fields.get("target", {}), "prUrl" in source)
    return prompt, spec | ({"webhook": _webhook(fields["webhook"])} if "webhook" in fields else {})


def parse_followup(body: object) -> str:
    """The prompt of a follow-up."""
    return _prompt(mapping(body, "body", ("prompt",)))


def _prompt(fields: Json) -> str:
    prompt = mapping(fields.get("prompt"), "prompt", ("text", "images"))
    for position, image in enumerate(listing(prompt.get("images", []), "prompt.images", 5)):
        text(mapping(image, f"prompt.images[{position}]").get("data"), f"prompt.images[{position}].data")
    return text(prompt.get("text"), "prompt.text")


def _source(value: object) -> Json:
    source = mapping(value, "source", ("repository", "ref", "prUrl"))
    repo: Json = {}
    if "prUrl" in source:
        repo["prUrl"] = web_url(source["prUrl"], "source.prUrl")
        if parse_pull(repo["prUrl"]) is None:
            raise invalid("source.prUrl: Not a pull request URL")
    url = source.get("repository") or repo.get("prUrl", "").rpartition("/pull/")[0]
    parsed = parse_repo(text(url, "source.repository"))
    if parsed is None:
        raise invalid("source.repository: Invalid repository URL")
    repo["url"] = parsed.url
    return repo | ({"startingRef": text(source["ref"], "source.ref")} if "ref" in source else {})


def _target(value: object, from_pull: bool) -> Json:
    target = mapping(value, "target", (*_TARGET, "branchName", "autoBranch"))
    spec: Json = {
        ours: flag(target[theirs], f"target.{theirs}") for theirs, ours in _TARGET.items() if theirs in target
    }
    if "branchName" in target:
        if not _BRANCH.match(text(target["branchName"], "target.branchName")):
            raise invalid("target.branchName: Invalid branch name")
        spec["branchName"] = target["branchName"]
    if not flag(target.get("autoBranch", True), "target.autoBranch") and from_pull:
        spec["workOnCurrentBranch"] = True
    return spec


def _webhook(value: object) -> Json:
    webhook = mapping(value, "webhook", ("url", "secret"))
    kept = {"url": web_url(webhook.get("url"), "webhook.url")}
    return kept | ({"secret": text(webhook["secret"], "webhook.secret", least=32)} if "secret" in webhook else {})
