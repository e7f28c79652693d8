"""Authenticated encryption of small secrets: AES-256-GCM, bound to the row that they belong to."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "v1"
_NONCE_BYTES = 12


class SecretError(Exception):
    """A stored secret cannot be read or written here; the message is one line for a person."""


class Cipher:
    """Encrypts with the first master key and decrypts with whichever of them was used."""

    def __init__(self, master_keys: Sequence[str]) -> None:
        if not master_keys:
            raise ValueError("a cipher needs a master key")
        self._keys = {_key_id(key): AESGCM(_derived(key, b"encryption", 32)) for key in master_keys}
        self.key_id = _key_id(master_keys[0])

    def encrypt(self, secret: str, owner: str) -> str:
        """The secret sealed for `owner`, the only name under which it opens again."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.key_id].encrypt(nonce, secret.encode(), owner.encode())
        return f"{_VERSION}.{self.key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, sealed: str, owner: str) -> str:
        """The secret; raises SecretError for another master key, another owner, or a changed text."""
        version, _, rest = sealed.partition(".")
        key_id, _, encoded = rest.partition(".")
        if version != _VERSION or not encoded:
            raise SecretError("the stored secret is damaged, or a newer version wrote it")
        key = self._keys.get(key_id)
        if key is None:
            raise SecretError(
                f"it was encrypted with another master key (id {key_id[:16]}); put that one back into "
                "CURSOR_MONITOR_SECRET_KEY, behind the present one and a comma"
            )
        try:
            raw = base64.urlsafe_b64decode(encoded)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise SecretError("the stored secret is damaged, or belongs to another row") from None

    def is_current(self, sealed: str) -> bool:
        """True where the first master key sealed it."""
        return sealed.startswith(f"{_VERSION}.{self.key_id}.")


def _key_id(master_key: str) -> str:
    return _derived(master_key, b"key id", 6).hex()


def _derived(master_key: str, purpose: bytes, length: int) -> bytes:
    info = b"cursor-monitor secrets v1: " + purpose
    return HKDF(SHA256(), length, salt=None, info=info).derive(master_key.encode())
