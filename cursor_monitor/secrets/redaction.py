"""What is secret never leaves in a text: known values and the usual shapes of credentials are replaced."""

from __future__ import annotations

import base64
import hashlib
import re

MASK = "[secret]"
_SHORTEST = 8  # a shorter value would be found in innocent words

_known: dict[str, None] = {}

_SHAPES = (
    (re.compile(r"(?i)\b(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer)\s+)[^\s'\",]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/-]{16,}=*"), rf"\1{MASK}"),
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]+:)[^\s/@]+(@)", re.IGNORECASE), rf"\1{MASK}\2"),
    # What the services around this product, and the usual others, call their keys.
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,}|crsr_[A-Za-z0-9]{32,})"), MASK),
    (re.compile(r"\b(?:cm_[A-Za-z0-9_-]{43}|sb_secret_[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9_-]{32,})"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{20,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
)


def register(*secrets: str | None) -> None:
    """Replace these values, and what they look like in a Basic header, from now on."""
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST:
            _known[secret] = None
            _known[base64.b64encode(f"{secret}:".encode()).decode()] = None


def redact(text: str) -> str:
    """The text without any registered secret and without what looks like a credential."""
    text = _without_known(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def redact_bytes(content: bytes) -> bytes:
    """A body from outside without any registered secret."""
    for secret in tuple(_known):
        raw = secret.encode()
        if raw in content:
            content = content.replace(raw, MASK.encode())
    return content


def _without_known(text: str) -> str:
    for secret in tuple(_known):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def fingerprint(secret: str) -> str:
    """What tells one secret from another and gives neither away; for keys that nobody could guess."""
    return hashlib.sha256(f"cursor-monitor\0{secret}".encode()).hexdigest()[:32]
