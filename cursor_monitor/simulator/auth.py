"""Who calls: Basic and Bearer keys, and the keys that stand for an account with a difficulty."""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextvars import ContextVar

from cursor_monitor.simulator.errors import ApiError

CALLER: ContextVar[str | None] = ContextVar("caller", default=None)
"""The account of the key that a request came with: an agent is there for the account that launched it alone."""

TROUBLES = ("revoked", "no_plan", "no_money")
_FREE_PATHS = ("/v1/me", "/v1/models", "/v1/repositories")


def read_key(header: str | None) -> str:
    """The API key of an Authorization header; 401 where there is none or where it begins with `bad`."""
    key = _key(header)
    if not key:
        raise ApiError(401, "unauthorized", "Missing or malformed API key")
    if key.startswith("bad"):
        raise ApiError(401, "api_key_not_found", "API key not found")
    return key


def check_rights(key: str, method: str, path: str) -> None:
    """403 for a key that begins with `free` (no plan) or, on a change, with `readonly`."""
    if path in _FREE_PATHS:
        return
    if key.startswith("free"):
        raise ApiError(403, "plan_required", "Cloud Agents require a paid plan")
    if key.startswith("readonly") and method != "GET":
        raise ApiError(403, "role_forbidden", "Your role does not allow this")


def check_trouble(trouble: str | None, method: str, path: str) -> None:
    """Refuse what a key may not do that came into trouble: everything, what needs a plan, or what costs money."""
    if trouble == "revoked":
        raise ApiError(401, "api_key_not_found", "API key not found")
    if trouble == "no_plan" and path not in _FREE_PATHS:
        raise ApiError(403, "plan_required", "Cloud Agents require a paid plan")
    if trouble == "no_money" and method == "POST" and path.endswith(("/agents", "/runs", "/followup")):
        raise ApiError(400, "usage_limit_exceeded", "Usage-based pricing required: the hard limit is reached.")


def is_service_account(key: str) -> bool:
    """True for keys that begin with `sa`: they stand for a team, not for a person."""
    return key.startswith("sa")


def account_of(key: str) -> str:
    """The fingerprint of a key's account: `team+ci` and `team+laptop` are two keys of one, each with its own limits."""
    return fingerprint(key.partition("+")[0])


def fingerprint(key: str) -> str:
    """What may be kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]


def _key(header: str | None) -> str:
    scheme, _, value = (header or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""
