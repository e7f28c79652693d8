"""Text from outside, made fit to be kept."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without what Postgres cannot keep: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
