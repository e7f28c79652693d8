"""The models and repositories that the simulated account can use."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.errors import ApiError, invalid
from cursor_monitor.simulator.validation import listing, mapping, text

Json = dict[str, Any]

_THINKING: Json = {
    "id": "thinking",
    "displayName": "Thinking",
    "values": [{"value": "low", "displayName": "Low"}, {"value": "high", "displayName": "High"}],
}
_FAST: Json = {"id": "fast", "displayName": "Fast", "values": [{"value": "true"}, {"value": "false"}]}
_HIGH = {"params": [{"id": "thinking", "value": "high"}], "displayName": "High", "isDefault": True}
_LOW = {"params": [{"id": "thinking", "value": "low"}], "displayName": "Low"}
_CYBER = {
    "params": [{"id": "thinking", "value": "high"}, {"id": "cyber", "value": "true"}],
    "displayName": "High, security",
    "description": "For security work",
}

MODELS: tuple[Json, ...] = (
    {"id": "default", "displayName": "Auto", "description": "Cursor picks the model"},
    {
        "id": "composer-2",
        "displayName": "Composer 2",
        "description": "Cursor's own model",
        "aliases": ["composer-latest", "composer"],
        "parameters": [_FAST],
        "variants": [
            {"params": [], "displayName": "Composer 2", "isDefault": True},
            {"params": [{"id": "fast", "value": "true"}], "displayName": "Composer 2 Fast"},
        ],
    },
    {
        "id": "claude-4.6-sonnet-thinking",
        "displayName": "Claude 4.6 Sonnet",
        "parameters": [_THINKING],
        "variants": [_HIGH, _LOW],
    },
    {
        "id": "gpt-5.5",
        "displayName": "GPT-5.5",
        "parameters": [_THINKING, _FAST],
        "variants": [_HIGH, _LOW, _CYBER],
    },
    {"id": "gemini-3-pro", "displayName": "Gemini 3 Pro", "variants": []},
)

REPOSITORIES = tuple(
    f"https://github.com/{name}"
    for name in ("acme/shop", "acme/api", "acme/website", "acme/mobile", "acme/infra", "your-org/your-repo")
)


def check_model_shape(value: object, at: str = "model") -> Json:
    """A ModelRef: an id and parameters whose values are strings."""
    model = mapping(value, at, ("id", "params"))
    text(model.get("id"), f"{at}.id")
    for position, item in enumerate(listing(model.get("params", []), f"{at}.params", 100)):
        param = mapping(item, f"{at}.params[{position}]", ("id", "value"))
        for key in ("id", "value"):
            text(param.get(key), f"{at}.params[{position}].{key}")
    return model


def check_model(value: object, code: str) -> Json:
    """A ModelRef from the catalog, else 400 with `code`: creation and follow-up use different ones."""
    model = check_model_shape(value)
    found = find_model(model["id"])
    if found is None:
        raise ApiError(400, code, f"Model '{model['id']}' is not available or invalid")
    known = _known_params(found)
    for param in model.get("params", []):
        if (param["id"], param["value"]) not in known:
            raise invalid(f"model.params: {param['id']}={param['value']} is not supported by {model['id']}")
    return model


def find_model(name: str) -> Json | None:
    """The catalog's model with that id or alias."""
    return next((model for model in MODELS if name == model["id"] or name in model.get("aliases", ())), None)


def _known_params(model: Json) -> set[tuple[str, str]]:
    listed = {(p["id"], v["value"]) for p in model.get("parameters", ()) for v in p["values"]}
    return listed | {(p["id"], p["value"]) for v in model.get("variants", ()) for p in v["params"]}
