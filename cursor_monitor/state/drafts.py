"""A draft's own key: what was sent and never answered is found again instead of being done twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cursor_monitor.domain.errors import AppError

_KEY = re.compile(r"[0-9a-f]{32}")
_LAUNCHED = "This was launched before, with other words. Look at the list; to launch it as it is now, change its text."


def key_of(form: Mapping[str, Any], otherwise: str) -> str:
    """The key that came with the form, or this one."""
    key = form.get("draft_key")
    return key if isinstance(key, str) and _KEY.fullmatch(key) else otherwise


def words_of(error: AppError) -> str:
    """What to tell of a refusal."""
    return _LAUNCHED if error.code == "idempotency_conflict" else error.message
