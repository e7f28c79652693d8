"""What a form with pictures sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pictures_of(form: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    """The pictures that the form's hidden field and its addresses name."""
    uploaded = [{"upload_id": one} for one in str(form.get(name) or "").split()]
    addresses = [line.strip() for line in str(form.get(f"{name}_urls") or "").splitlines()]
    return uploaded + [{"url": one} for one in addresses if one]
