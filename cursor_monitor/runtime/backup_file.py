"""The file of a backup: frames that show whether anything was changed, left out or cut off; encrypted on demand.

A line that says what it is, a line of JSON, then frames: a byte that is 1 on the last one, four bytes of length, the
body. With a passphrase a body is sealed by AES-256-GCM under the frame's number; without one, a digest over all frames
so far follows it. Either way the frames cannot be dropped, moved or ended early without being noticed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cursor_monitor.store.backup import BackupError

MAGIC = b"cursor-monitor backup 1\n"
_FRAME = struct.Struct(">BI")
_MOST = 64_000_000  # of one frame, sealed or not
_LINE_MOST = 100_000
_DIGEST = 32
_COST = 2**17  # 128 MB for one guess
_CUT_SHORT = "the backup is cut short or damaged; nothing of it was restored"


class Writer:
    """Writes frames; a file that was not closed by `end` is none."""

    def __init__(self, file: IO[bytes], facts: dict[str, Any], passphrase: str | None) -> None:
        self._file = file
        salt = os.urandom(16) if passphrase else b""
        encryption = {"kdf": "scrypt", "cost": _COST, "salt": base64.b64encode(salt).decode()} if passphrase else None
        head = json.dumps({**facts, "encryption": encryption}).encode() + b"\n"
        self._guard = _Guard(head, _key(passphrase, salt, _COST) if passphrase else None)
        file.write(MAGIC + head)

    def frame(self, kind: bytes, content: bytes) -> None:
        """One more."""
        self._put(kind, content, 0)

    def end(self, content: bytes) -> None:
        """The last one."""
        self._put(b"M", content, 1)

    def _put(self, kind: bytes, content: bytes, last: int) -> None:
        body = self._guard.close(zlib.compress(kind + content, 1), last)
        self._file.write(_FRAME.pack(last, len(body)) + body)


class Reader:
    """Reads frames; BackupError at the first that is not as it was written."""

    def __init__(self, file: IO[bytes], passphrase: Callable[[], str]) -> None:
        self._file = file
        if file.read(len(MAGIC)) != MAGIC:
            raise BackupError("this is no backup of Cursor Monitor, or one of a newer version")
        head = file.readline(_LINE_MOST)
        self.facts, key = _opened(head, passphrase)
        self._guard = _Guard(head, key)
        self._is_over = False

    def frame(self) -> tuple[bytes, bytes]:
        """The kind of the next frame and what it holds; the last one is of the kind M."""
        head = self._read(_FRAME.size)
        last, length = _FRAME.unpack(head)
        if self._is_over or last > 1 or length > _MOST:
            raise BackupError(_CUT_SHORT)
        content = _inflated(self._guard.open(self._read(length), last))
        self._is_over = bool(last)
        if self._is_over and (content[:1] != b"M" or self._file.read(1)):
            raise BackupError(_CUT_SHORT)
        return content[:1], content[1:]

    def _read(self, size: int) -> bytes:
        found = self._file.read(size)
        if len(found) != size:
            raise BackupError(_CUT_SHORT)
        return found


class _Guard:
    """Seals or signs each frame under all that came before it."""

    def __init__(self, head: bytes, key: bytes | None) -> None:
        self._head = hashlib.sha256(MAGIC + head).digest()
        self._cipher = AESGCM(key) if key else None
        self._chain = self._head
        self._number = 0

    def close(self, body: bytes, last: int) -> bytes:
        if self._cipher:
            return self._cipher.encrypt(self._nonce(), body, self._bound(last))
        return body + self._link(body, last)

    def open(self, body: bytes, last: int) -> bytes:
        if self._cipher:
            try:
                return self._cipher.decrypt(self._nonce(), body, self._bound(last))
            except InvalidTag:
                is_first = self._number == 1
                wrong = "the passphrase is not right, or the backup is damaged; nothing of it was restored"
                raise BackupError(wrong if is_first else _CUT_SHORT) from None
        content, digest = body[:-_DIGEST], body[-_DIGEST:]
        if digest != self._link(content, last):
            raise BackupError(_CUT_SHORT)
        return content

    def _nonce(self) -> bytes:
        self._number += 1  # used once: the key is of this file alone, by its salt
        return self._number.to_bytes(12, "big")

    def _bound(self, last: int) -> bytes:
        return self._head + bytes([last])

    def _link(self, body: bytes, last: int) -> bytes:
        self._chain = hashlib.sha256(self._chain + bytes([last]) + body).digest()
        return self._chain


def _opened(head: bytes, passphrase: Callable[[], str]) -> tuple[dict[str, Any], bytes | None]:
    try:
        facts = json.loads(head)
        sealed = facts["encryption"]
        if sealed is None:
            return facts, None
        cost, salt = int(sealed["cost"]), base64.b64decode(sealed["salt"])
        is_known = sealed["kdf"] == "scrypt" and cost == _COST and len(salt) == 16
    except (ValueError, KeyError, TypeError):
        raise BackupError(_CUT_SHORT) from None
    if not is_known:
        raise BackupError("the backup is encrypted in a way that this version does not know")
    return facts, _key(passphrase(), salt, cost)


@lru_cache(1)  # looked through first and restored then
def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(body, _MOST)
    except zlib.error:
        raise BackupError(_CUT_SHORT) from None
    if not stream.eof or not content:
        raise BackupError(_CUT_SHORT)
    return content
