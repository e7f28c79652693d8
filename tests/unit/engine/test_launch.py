"""What an agent can be launched with: taken whole, or refused by the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.launch import (
    ImageChoice,
    LaunchExtras,
    RepositoryChoice,
    extras_from,
    launch_extras_from,
    to_json,
)
from cursor_monitor.engine.launch import parse_extras, parse_launch

WEB = "https://github.com/acme/web"
UPLOAD = "0190aaaa-0000-7000-8000-000000000001"
MODELS = [
    {"id": "plain", "name": "Plain"},
    {
        "id": "deep",
        "parameters": [{"id": "thinking", "values": [{"value": "high"}, {"value": "low"}]}],
        "variants": [{"params": [["cyber", "true"]]}],
    },
]


def test_everything_at_once_and_back_from_how_it_is_kept() -> None:
    fields = {
        "repositories": [{"repository": "acme/web", "ref": "main"}, {"pr_url": f"{WEB}-2/pull/7"}],
        "mode": "plan",
        "model": "deep",
        "model_params": [{"id": "thinking", "value": "high"}, {"id": "cyber", "value": "true"}],
        "images": [{"url": "https://example.com/a.png"}, {"upload_id": UPLOAD.upper()}],
        "auto_create_pr": True,
        "skip_reviewer_request": True,
        "work_on_current_branch": True,
    }
    extras = parse_launch(fields, MODELS)
    assert extras == LaunchExtras(
        mode="plan",
        model_params=(("thinking", "high"), ("cyber", "true")),
        images=(ImageChoice(url="https://example.com/a.png"), ImageChoice(upload_id=UPLOAD)),
        repositories=(RepositoryChoice(WEB, "main"), RepositoryChoice(f"{WEB}-2", None, f"{WEB}-2/pull/7")),
        skip_reviewer_request=True,
        work_on_current_branch=True,
    )
    assert launch_extras_from(to_json(extras)) == extras
    carried = parse_extras({"model": "deep", "mode": "agent"}, MODELS)
    assert extras_from(to_json(carried)) == carried


@pytest.mark.parametrize(
    ("pull", "repository"),
    [
        ("https://github.com/acme/web/pull/5", WEB),
        ("https://gitlab.com/group/sub/app/-/merge_requests/5", "https://gitlab.com/group/sub/app"),
        ("https://bitbucket.org/acme/web/pull-requests/5/", "https://bitbucket.org/acme/web"),
    ],
)
def test_a_pull_request_tells_its_repository(pull: str, repository: str) -> None:
    assert parse_launch({"pr_url": pull}).repositories == (RepositoryChoice(repository, None, pull),)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "repository"),
        ({"repository": "a/b", "repositories": [{"repository": "a/b"}]}, "repository"),
        ({"repositories": []}, "repositories"),
        ({"repositories": [{"repository": f"a/b{n}"} for n in range(21)]}, "repositories"),
        ({"repositories": [{"repository": "a/b"}, {"repository": "javascript:1"}]}, "repositories[1].repository"),
        (
            {"repositories": [{"repository": "a/b"}, {"repository": "github.com/a/b"}]},
            "repositories[1].repository",
        ),
        ({"repositories": [{"repository": "a/b", "ref": "a..b"}]}, "repositories[0].ref"),
        ({"repositories": [{"repository": "a/b", "branch": "x"}]}, "repositories[0].branch"),
        ({"repositories": ["a/b"]}, "repositories[0]"),
        ({"pr_url": "https://github.com/acme/web"}, "pr_url"),
        ({"pr_url": "http://github.com/acme/web/pull/5"}, "pr_url"),
        ({"pr_url": "https://github.com/acme/web/pull/5", "ref": "main"}, "ref"),
        ({"mode": "ask"}, "mode"),
        ({"model": "nope"}, "model"),
        ({"model_params": [{"id": "thinking", "value": "high"}]}, "model_params"),
        ({"model": "deep", "model_params": [{"id": "thinking", "value": "max"}]}, "model_params[0]"),
        ({"model": "deep", "model_params": [{"id": "thinking"}]}, "model_params[0]"),
        ({"model": "deep", "model_params": [{"id": "thinking", "value": "low"}] * 2}, "model_params[1].id"),
        ({"model": "deep", "model_params": [{"id": "x", "value": "y"}] * 21}, "model_params"),
        ({"images": [{"url": "https://example.com/a"}] * 2}, "images"),
        ({"images": [{"url": f"https://example.com/{n}"} for n in range(6)]}, "images"),
        ({"images": [{"url": "file:///etc/passwd"}]}, "images[0].url"),
        ({"images": [{"url": "https://user:pw@example.com/a.png"}]}, "images[0].url"),
        ({"images": [{"url": "https://example.com/" + "x" * 2000}]}, "images[0].url"),
        ({"images": [{"url": "https://example.com/a", "upload_id": UPLOAD}]}, "images[0]"),
        ({"images": [{"upload_id": "../../etc/passwd"}]}, "images[0].upload_id"),
        ({"images": [{"data": "aGk="}]}, "images[0].data"),
        ({"skip_reviewer_request": True}, "skip_reviewer_request"),
        ({"work_on_current_branch": "yes"}, "work_on_current_branch"),
        ({"model": "a\u202eb"}, "model"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    is_about_place = field.startswith(("repositor", "pr_url", "ref"))
    with pytest.raises(Invalid) as refused:
        parse_launch(fields if is_about_place else {"repository": "acme/web", **fields}, MODELS)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}: ")


def test_where_no_parameters_are_known_cursor_judges() -> None:
    given = {"model": "plain", "model_params": [{"id": "thinking", "value": "high"}]}
    assert parse_extras(given, MODELS).model_params == (("thinking", "high"),)
