"""From what a form or a program sent to what an agent is launched with; every refusal names the field and the mend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.launch import (
    IMAGES_LIMIT,
    MODES,
    PARAMS_LIMIT,
    REPOSITORIES_LIMIT,
    Extras,
    ImageChoice,
    LaunchExtras,
    RepositoryChoice,
)
from cursor_monitor.engine import plan

Models = Sequence[Mapping[str, Any]]

_TEXT_LIMIT = 100
_URL_LIMIT = 2000
_PULL = re.compile(r"(https://[^/]+/.+?)(?:/-)?/(?:pull|pull-requests|merge_requests|pullrequest)/[0-9]+/?")
_EXTRA_FIELDS = frozenset({"mode", "model_params", "images", "model"})
_LAUNCH_FIELDS = frozenset({"repositories", "pr_url", "skip_reviewer_request", "work_on_current_branch"})
_REPOSITORY_FIELDS = frozenset({"repository", "ref", "pr_url"})
LAUNCH_FIELDS = _EXTRA_FIELDS | _LAUNCH_FIELDS


def parse_launch(fields: Mapping[str, Any], models: Models = ()) -> LaunchExtras:
    """Check what goes beyond prompt, name and model; raises Invalid for the first thing that cannot be used."""
    extras = parse_extras(fields, models)
    skip = _flag(fields, "skip_reviewer_request")
    if skip and fields.get("auto_create_pr") is not True:
        raise Invalid("skip_reviewer_request", "needs auto_create_pr; turn both on, or leave it out")
    return LaunchExtras(
        mode=extras.mode,
        model_params=extras.model_params,
        images=extras.images,
        repositories=_repositories(fields),
        skip_reviewer_request=skip,
        work_on_current_branch=_flag(fields, "work_on_current_branch"),
    )


def parse_extras(fields: Mapping[str, Any], models: Models = ()) -> Extras:
    """Check mode, model with its parameters, and images."""
    mode = fields.get("mode")
    if mode is not None and mode not in MODES:
        raise Invalid("mode", f"must be one of {', '.join(MODES)}")
    model = _text(fields, "model")
    names = [one["id"] for one in models]
    if model is not None and names and model not in names:
        some = ", ".join(names[:8])
        raise Invalid("model", f"{model[:60]!r} is not a model that Cursor offers; use one of {some}, or leave it out")
    return Extras(mode, _params(fields, model, models), _images(fields.get("images")), model)


def _repositories(fields: Mapping[str, Any]) -> tuple[RepositoryChoice, ...]:
    several = fields.get("repositories")
    if several is None:
        return (_repository(fields, ""),)
    for name in ("repository", "ref", "pr_url"):
        if fields.get(name) is not None:
            raise Invalid(name, "cannot be given beside repositories; put it into the list")
    if not isinstance(several, Sequence) or isinstance(several, (str, bytes)):
        raise Invalid("repositories", "must be a list of objects with a repository")
    if not 1 <= len(several) <= REPOSITORIES_LIMIT:
        raise Invalid("repositories", f"must be from 1 to {REPOSITORIES_LIMIT}, not {len(several)}")
    found = [_repository(_mapping(one, f"repositories[{n}]"), f"repositories[{n}].") for n, one in enumerate(several)]
    urls = [one.url for one in found]
    twice = next((n for n, url in enumerate(urls) if url in urls[:n]), None)
    if twice is not None:
        raise Invalid(f"repositories[{twice}].repository", "is in the list twice; leave it out once")
    return tuple(found)


def _repository(fields: Mapping[str, Any], prefix: str) -> RepositoryChoice:
    if prefix:
        plan.refuse_unknown(fields, _REPOSITORY_FIELDS, prefix)
    name, ref = _text(fields, "repository", 500, prefix), _text(fields, "ref", plan.REF_LIMIT, prefix)
    pull = _text(fields, "pr_url", 500, prefix)
    if pull is not None and ref is not None:
        raise Invalid(f"{prefix}ref", "has no meaning beside pr_url, which says where to start; leave one of them out")
    at = _PULL.fullmatch(pull) if pull is not None else None
    if pull is not None and (at is None or re.search(r"[\s?#@\\]", pull)):
        raise Invalid(
            f"{prefix}pr_url", "must be the https address of a pull request, such as https://github.com/o/r/pull/5"
        )
    try:
        url = plan.parse_repository(name or (at[1] if at else ""))
    except Invalid as error:
        raise Invalid(f"{prefix}repository", error.message.partition(": ")[2]) from None
    return RepositoryChoice(url, plan.parse_ref(ref, f"{prefix}ref"), pull)


def _params(fields: Mapping[str, Any], model: str | None, models: Models) -> tuple[tuple[str, str], ...]:
    given = fields.get("model_params")
    if given is None or given == []:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)) or len(given) > PARAMS_LIMIT:
        raise Invalid("model_params", f"must be a list of at most {PARAMS_LIMIT} objects with id and value")
    if model is None:
        raise Invalid("model_params", "need a model; choose one, or leave them out")
    chosen = next((one for one in models if one["id"] == model), None)
    known = _known_params(chosen)
    found: dict[str, str] = {}
    for number, one in enumerate(given):
        where = f"model_params[{number}]"
        param = _mapping(one, where)
        plan.refuse_unknown(param, frozenset({"id", "value"}), f"{where}.")
        name, value = (_text(param, key, prefix=f"{where}.") for key in ("id", "value"))
        if not name or not value:
            raise Invalid(where, "must have an id and a value")
        if name in found:
            raise Invalid(f"{where}.id", f"{name!r} is given twice; leave it out once")
        if known is not None and (name, value) not in known:
            raise Invalid(where, f"{name}={value} is not offered by {model}; use one of {_some(known)}")
        found[name] = value
    return tuple(found.items())


def _known_params(model: Mapping[str, Any] | None) -> set[tuple[str, str]] | None:
    """What the model takes; None where nobody said."""
    if model is None or "parameters" not in model:
        return None
    listed = {(p["id"], v["value"]) for p in model["parameters"] for v in p["values"]}
    return listed | {(name, value) for variant in model.get("variants", ()) for name, value in variant["params"]}


def _some(known: set[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(known)[:8]) or "none, it has no parameters"


def _images(given: object) -> tuple[ImageChoice, ...]:
    if given is None or given == []:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)) or len(given) > IMAGES_LIMIT:
        raise Invalid("images", f"must be a list of at most {IMAGES_LIMIT} images")
    found = tuple(_image(_mapping(one, f"images[{n}]"), f"images[{n}]") for n, one in enumerate(given))
    if len(set(found)) < len(found):
        raise Invalid("images", "hold the same image twice; leave it out once")
    return found


def _image(fields: Mapping[str, Any], where: str) -> ImageChoice:
    plan.refuse_unknown(fields, frozenset({"url", "upload_id"}), f"{where}.")
    url = _text(fields, "url", _URL_LIMIT, f"{where}.")
    upload_id = _text(fields, "upload_id", prefix=f"{where}.")
    if (url is None) == (upload_id is None):
        raise Invalid(where, "must have either a url or an upload_id")
    if upload_id is not None:
        try:
            return ImageChoice(upload_id=str(UUID(upload_id)))
        except ValueError:
            raise Invalid(f"{where}.upload_id", "must be the id that an upload was answered with") from None
    if not _is_web_address(url or ""):
        raise Invalid(f"{where}.url", "must be an http(s) address without a user, such as https://example.com/a.png")
    return ImageChoice(url=url)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
            and not re.search(r"[\s\x00-\x1f\\]", url)
        )
    except ValueError:
        return False


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid(where, "must be an object")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Invalid(name, "must be true or false")
    return value


def _text(fields: Mapping[str, Any], name: str, limit: int = _TEXT_LIMIT, prefix: str = "") -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{prefix}{name}", "must be text")
    text = (value or "").strip()
    if len(text) > limit:
        raise Invalid(f"{prefix}{name}", f"has {len(text):,} characters, at most {limit:,} are allowed; shorten it")
    if text and (not text.isprintable() or "\ufffe" in text):
        raise Invalid(f"{prefix}{name}", "holds characters that cannot be seen; remove them")
    return text or None
