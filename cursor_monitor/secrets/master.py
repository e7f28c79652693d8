"""The master key: from the environment, or a file of our own beside the data."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from pathlib import Path

from cursor_monitor.secrets.cipher import SecretError

FILE_NAME = "secret.key"
_LEAST_CHARACTERS = 32
_LEAST_DIFFERENT = 10
_PLACEHOLDER = re.compile(r"(?i)change.?me|replace|placeholder|example|your[-_ ]|secret[-_ ]?key|<.*>")
_MAKE_ONE = "make one with: openssl rand -base64 32"


def parse_master_keys(value: str) -> tuple[str, ...]:
    """The keys of a setting, the first of which encrypts; raises ValueError, never quoting them."""
    keys = tuple(part for part in re.split(r"[,\s]+", value.strip()) if part)
    for number, key in enumerate(keys, 1):
        which = f"key {number} of {len(keys)} " if len(keys) > 1 else ""
        if _PLACEHOLDER.search(key):
            raise ValueError(f"{which}is a placeholder; {_MAKE_ONE}")
        if len(key) < _LEAST_CHARACTERS or len(set(key)) < _LEAST_DIFFERENT:
            raise ValueError(
                f"{which}is too weak: at least {_LEAST_CHARACTERS} characters, of which "
                f"{_LEAST_DIFFERENT} different, are needed; {_MAKE_ONE}"
            )
    return keys


def read_key_file(data_dir: Path) -> tuple[str, ...]:
    """The keys of the file in the data folder, none where there is no file; SecretError where it is not private."""
    path = data_dir / FILE_NAME
    try:
        mode = path.stat().st_mode
        content = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the master key {path} cannot be read ({error})") from None
    if mode & 0o077:
        raise SecretError(
            f"the master key {path} can be read by others (mode {mode & 0o777:03o}): run chmod 600 {path}, "
            "and make a new one with `cursor-monitor secrets rotate` if others may have read it"
        )
    try:
        return parse_master_keys(content)
    except ValueError as error:
        raise SecretError(f"the master key {path} {error}") from None


def write_key_file(data_dir: Path, keys: tuple[str, ...]) -> None:
    """Put the file there whole or not at all, readable by its owner alone."""
    temporary = _private_copy(data_dir, keys)
    temporary.replace(data_dir / FILE_NAME)


def make_key_file(data_dir: Path) -> tuple[str, ...]:
    """A new key in the file, or the one that another process put there first."""
    try:
        temporary = _private_copy(data_dir, (new_key(),))
        try:
            (data_dir / FILE_NAME).hardlink_to(temporary)  # unlike a rename, refuses where one exists
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    except OSError as error:
        raise SecretError(
            f"no master key can be made in {data_dir} ({error.strerror}): set CURSOR_MONITOR_SECRET_KEY"
        ) from None
    return read_key_file(data_dir)


def new_key() -> str:
    """A fresh master key."""
    return secrets.token_hex(32)


def _private_copy(data_dir: Path, keys: tuple[str, ...]) -> Path:
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=data_dir)  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
