"""What an agent can be launched with beyond its prompt, and what a follow-up can carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MODES = ("agent", "plan")
REPOSITORIES_LIMIT = 20
IMAGES_LIMIT = 5
PARAMS_LIMIT = 20
IMAGE_BYTES = 15 * 1024 * 1024
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class RepositoryChoice:
    """A repository to work in, from a branch or commit, or from a pull request."""

    url: str
    ref: str | None = None
    pr_url: str | None = None


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """A picture to show: at an address, or one that was uploaded here."""

    url: str | None = None
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What both a launch and a follow-up can carry."""

    mode: str | None = None
    model_params: tuple[tuple[str, str], ...] = ()
    images: tuple[ImageChoice, ...] = ()
    model: str | None = None  # of a follow-up; a launched agent has its own column


@dataclass(frozen=True, slots=True)
class LaunchExtras(Extras):
    """What a launch can carry; `repositories` are all of them, the first one included."""

    repositories: tuple[RepositoryChoice, ...] = ()
    skip_reviewer_request: bool = False
    work_on_current_branch: bool = False


def to_json(extras: Extras) -> dict[str, Any]:
    """The form in which it is kept: without what was left at its default."""
    return {name: value for name, value in asdict(extras).items() if value}


def extras_from(kept: Mapping[str, Any]) -> Extras:
    """What a follow-up was to carry."""
    return Extras(
        mode=kept.get("mode"),
        model_params=_params(kept),
        images=_images(kept),
        model=kept.get("model"),
    )


def launch_extras_from(kept: Mapping[str, Any]) -> LaunchExtras:
    """What a launch was to carry."""
    return LaunchExtras(
        mode=kept.get("mode"),
        model_params=_params(kept),
        images=_images(kept),
        repositories=tuple(RepositoryChoice(**one) for one in kept.get("repositories", ())),
        skip_reviewer_request=bool(kept.get("skip_reviewer_request")),
        work_on_current_branch=bool(kept.get("work_on_current_branch")),
    )


def _params(kept: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in kept.get("model_params", ()))


def _images(kept: Mapping[str, Any]) -> tuple[ImageChoice, ...]:
    return tuple(ImageChoice(**one) for one in kept.get("images", ()))
